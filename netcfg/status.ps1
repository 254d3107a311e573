<#
.SYNOPSIS
    Shows what is installed, what it is bound to, and whether the driver runs. Changes nothing.
#>
[CmdletBinding()]
param()
Import-Module (Join-Path $PSScriptRoot 'weir.psm1') -Force
$ErrorActionPreference = 'Stop'

Assert-Windows
$driver = Get-CimInstance -ClassName Win32_SystemDriver -Filter "Name='$Service'"
[pscustomobject]@{
    Component   = $ComponentId
    Installed   = Test-Installed
    Service     = if ($driver) { "$($driver.State), start $($driver.StartMode)" } else { 'none' }
    Image       = if ($driver) { $driver.PathName } else { $null }
    TestSigning = Test-TestSigning
} | Format-List
$bindings = Get-NetAdapterBinding -Name '*' -IncludeHidden -AllBindings -ComponentID $ComponentId -ErrorAction SilentlyContinue
$bindings | Sort-Object Name | Format-Table -AutoSize Name, InterfaceDescription, Enabled
