<#
.SYNOPSIS
    Installs the Weir filter and binds it to the adapters named, or to none.
.DESCRIPTION
    Windows binds a new optional filter to every adapter of its media types at once. So the binding is turned off on every
    adapter that was not named, right after the install. In between the filter is bound, permits everything (no policy
    is loaded yet), and each adapter's traffic is paused for a moment, twice.
.PARAMETER Package
    Directory with weir.inf, weir.sys and weir.cat.
.PARAMETER Adapter
    Names of the adapters to bind to (as in Get-NetAdapter). None: bound nowhere until bind.ps1 is run.
.PARAMETER AllAdapters
    Keep what Windows does by default: bound to every adapter.
.EXAMPLE
    .\install.ps1 -Package C:\weir -Adapter Ethernet -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High', DefaultParameterSetName = 'Named')]
param(
    [Parameter(Mandatory)] [string] $Package,
    [Parameter(ParameterSetName = 'Named')] [string[]] $Adapter = @(),
    [Parameter(ParameterSetName = 'All')] [switch] $AllAdapters
)
Import-Module (Join-Path $PSScriptRoot 'weir.psm1') -Force
$ErrorActionPreference = 'Stop'

Assert-Windows
Assert-Elevated
$inf, $sys, $cat = 'weir.inf', 'weir.sys', 'weir.cat' | ForEach-Object {
    $path = Join-Path $Package $_
    if (-not (Test-Path -LiteralPath $path -PathType Leaf)) { throw "$path does not exist: -Package must name the built package." }
    (Resolve-Path -LiteralPath $path).ProviderPath
}
Assert-Architecture $sys
Assert-Signature $cat
foreach ($name in $Adapter) {
    if (-not (Get-NetAdapter -Name $name -IncludeHidden -ErrorAction SilentlyContinue)) {
        throw "There is no adapter '$name'. Get-NetAdapter lists them."
    }
}
if (Test-Installed) { throw "$ComponentId is installed already. Run uninstall.ps1 first: an upgrade in place may take the older package." }
$old = @(Get-StorePackage)
if ($old) {
    throw ("An older package is still in the driver store ($($old.Driver -join ', ')), and INetCfg may choose it. " +
        'Remove it with uninstall.ps1.')
}

if (-not $PSCmdlet.ShouldProcess($inf, "install the network component $ComponentId (traffic of every adapter pauses)")) { return }
$restart = Invoke-NetCfg '-v', '-l', $inf, '-c', 's', '-i', $ComponentId
if (-not (Test-Installed)) { throw 'netcfg.exe reported success, but no adapter shows the binding. Run uninstall.ps1 and look at %windir%\INF\setupapi.dev.log.' }

if (-not $AllAdapters) {
    foreach ($binding in Get-NetAdapterBinding -Name '*' -IncludeHidden -AllBindings -ComponentID $ComponentId) {
        if ($binding.Name -notin $Adapter -and $binding.Enabled) {
            Disable-NetAdapterBinding -Name $binding.Name -IncludeHidden -AllBindings -ComponentID $ComponentId -Confirm:$false
        }
    }
}
& (Join-Path $PSScriptRoot 'status.ps1')
if ($restart) { Write-Warning 'Windows asks for a restart before the filter is in place.' }
