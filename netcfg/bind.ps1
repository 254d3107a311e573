<#
.SYNOPSIS
    Binds the Weir filter to one adapter, and to no other.
.PARAMETER Adapter
    Name of the adapter (as in Get-NetAdapter).
.PARAMETER KeepOthers
    Leave the bindings of other adapters as they are.
.EXAMPLE
    .\bind.ps1 -Adapter Ethernet -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
param(
    [Parameter(Mandatory)] [string] $Adapter,
    [switch] $KeepOthers
)
Import-Module (Join-Path $PSScriptRoot 'weir.psm1') -Force
$ErrorActionPreference = 'Stop'

Assert-Windows
Assert-Elevated
Assert-Installed
$bindings = @(Get-NetAdapterBinding -Name '*' -IncludeHidden -AllBindings -ComponentID $ComponentId)
$wanted = $bindings | Where-Object Name -EQ $Adapter
if (-not $wanted) {
    throw "The filter cannot bind to '$Adapter'. It can bind to: $($bindings.Name -join ', ')."
}
# Others first: at no time is the filter bound to more adapters than before and after.
if (-not $KeepOthers) {
    foreach ($other in $bindings | Where-Object { $_.Name -ne $Adapter -and $_.Enabled }) {
        if ($PSCmdlet.ShouldProcess($other.Name, "unbind $ComponentId")) {
            Disable-NetAdapterBinding -Name $other.Name -IncludeHidden -AllBindings -ComponentID $ComponentId -Confirm:$false
        }
    }
}
if (-not $wanted.Enabled -and $PSCmdlet.ShouldProcess($Adapter, "bind $ComponentId (its traffic pauses for a moment)")) {
    Enable-NetAdapterBinding -Name $Adapter -IncludeHidden -AllBindings -ComponentID $ComponentId -Confirm:$false
}
if (-not $WhatIfPreference) {
    $now = Get-NetAdapterBinding -Name $Adapter -IncludeHidden -AllBindings -ComponentID $ComponentId
    if (-not $now.Enabled) { throw "Windows did not bind the filter to '$Adapter'." }
    & (Join-Path $PSScriptRoot 'status.ps1')
}
