<#
.SYNOPSIS
    Unbinds the Weir filter from one adapter, or from all of them; it stays installed.
.PARAMETER Adapter
    Name of the adapter. Without it: all adapters.
.EXAMPLE
    .\unbind.ps1 -Adapter Ethernet -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
param([string] $Adapter)
Import-Module (Join-Path $PSScriptRoot 'weir.psm1') -Force
$ErrorActionPreference = 'Stop'

Assert-Windows
Assert-Elevated
Assert-Installed
$bindings = @(Get-NetAdapterBinding -Name '*' -IncludeHidden -AllBindings -ComponentID $ComponentId)
if ($Adapter) {
    $bindings = @($bindings | Where-Object Name -EQ $Adapter)
    if (-not $bindings) { throw "The filter has no binding to an adapter '$Adapter'. status.ps1 lists the adapters." }
}
foreach ($binding in $bindings | Where-Object Enabled) {
    if ($PSCmdlet.ShouldProcess($binding.Name, "unbind $ComponentId (its traffic pauses for a moment)")) {
        Disable-NetAdapterBinding -Name $binding.Name -IncludeHidden -AllBindings -ComponentID $ComponentId -Confirm:$false
    }
}
if (-not $WhatIfPreference) { & (Join-Path $PSScriptRoot 'status.ps1') }
