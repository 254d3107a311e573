<#
.SYNOPSIS
    Removes the Weir filter: component, service, driver package. Each step is skipped when there is nothing to do.
.PARAMETER KeepPackage
    Leave the package in the driver store.
.EXAMPLE
    .\uninstall.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param([switch] $KeepPackage)
Import-Module (Join-Path $PSScriptRoot 'weir.psm1') -Force
$ErrorActionPreference = 'Stop'

Assert-Windows
Assert-Elevated
$restart = $false
if ((Test-Installed) -and $PSCmdlet.ShouldProcess($ComponentId, 'remove the network component (traffic of its adapters pauses)')) {
    $restart = Invoke-NetCfg '-u', $ComponentId
}
# The INF's Remove section stops and deletes the service. It stays while something keeps the driver loaded.
if (-not $WhatIfPreference -and -not (Wait-WeirService -State 'Stopped')) {
    throw ("The service '$Service' does not stop: a program still has \\.\Weir open. Close it (weirctl), " +
        'run uninstall.ps1 again, or restart Windows.')
}
if ((Get-Service -Name $Service -ErrorAction SilentlyContinue) -and $PSCmdlet.ShouldProcess($Service, 'delete the service that was left behind')) {
    & "$env:SystemRoot\System32\sc.exe" delete $Service | Out-Null
    if ($LASTEXITCODE -notin 0, 1060, 1072) { throw "sc.exe delete $Service failed with $LASTEXITCODE." }
}
if (-not $KeepPackage) {
    foreach ($package in Get-StorePackage) {
        $name = Split-Path -Leaf $package.Driver
        if ($PSCmdlet.ShouldProcess($name, 'delete the driver package from the store')) {
            & "$env:SystemRoot\System32\pnputil.exe" /delete-driver $name
            if ($LASTEXITCODE -notin 0, 3010) { throw "pnputil.exe /delete-driver $name failed with $LASTEXITCODE." }
            if ($LASTEXITCODE -eq 3010) { $restart = $true }
        }
    }
}
if ($restart) { Write-Warning 'Windows asks for a restart to finish the removal.' }
