# What the recipes beside this file share: names, checks with one clear sentence each, and a guarded netcfg.exe.
#Requires -Version 5.1
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$ComponentId = 'weir_lwf'   # the hardware id in weir.inf
$Service     = 'weir'

# Stops unless the shell is elevated: INetCfg gives its write lock to administrators only.
function Assert-Elevated {
    $identity = [Security.Principal.WindowsIdentity]::GetCurrent()
    $principal = [Security.Principal.WindowsPrincipal]::new($identity)
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        throw 'Not elevated. Open PowerShell with "Run as administrator" and try again.'
    }
}

# Stops on a Windows that lacks what weir.sys imports.
function Assert-Windows {
    $build = [Environment]::OSVersion.Version.Build
    if ($env:OS -ne 'Windows_NT') { throw 'This recipe runs on Windows only.' }
    if ($build -lt 19041) { throw "Windows build $build is too old: Weir needs 19041 (Windows 10 version 2004) or later." }
}

# The machine's processor, as a PE file names it. An emulated shell sees its own architecture, so ask the system.
function Get-NativeMachine {
    switch ((Get-CimInstance -ClassName Win32_Processor | Select-Object -First 1).Architecture) {
        9       { return 0x8664 }
        12      { return 0xAA64 }
        default { throw "Processor architecture $_ is not supported: Weir is built for x64 and ARM64." }
    }
}

function Get-MachineName([int] $Machine) {
    switch ($Machine) {
        0x8664  { return 'x64' }
        0xAA64  { return 'ARM64' }
        default { return 'machine 0x{0:X4}' -f $Machine }
    }
}

# The machine field of a PE file.
function Get-ImageMachine([string] $Path) {
    $bytes = [IO.File]::ReadAllBytes($Path)
    if ($bytes.Length -lt 0x40 -or [BitConverter]::ToUInt16($bytes, 0) -ne 0x5A4D) { throw "$Path is not a PE image." }
    $header = [BitConverter]::ToInt32($bytes, 0x3C)
    if ($header -lt 0 -or $header + 6 -gt $bytes.Length) { throw "$Path is not a PE image." }
    if ([BitConverter]::ToUInt32($bytes, $header) -ne 0x4550) { throw "$Path is not a PE image." }
    return [int] [BitConverter]::ToUInt16($bytes, $header + 4)
}

function Assert-Architecture([string] $Path) {
    $image = Get-ImageMachine $Path
    $native = Get-NativeMachine
    if ($image -ne $native) {
        throw "$Path is built for $(Get-MachineName $image), this machine is $(Get-MachineName $native). Use the other package."
    }
}

# Whether Windows was started with test signing on (as the running kernel says, not as the next boot will).
function Test-TestSigning {
    $options = (Get-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Control' -Name SystemStartOptions).SystemStartOptions
    return " $options " -match '\sTESTSIGNING\s'
}

# Stops when Windows would refuse to load the driver.
function Assert-Signature([string] $Catalog) {
    $signature = Get-AuthenticodeSignature -FilePath $Catalog
    if ($signature.Status -eq 'NotSigned') { throw "$Catalog is not signed. Sign the package (docs/building.md)." }
    if ($signature.Status -eq 'HashMismatch') { throw "$Catalog was changed after it was signed." }
    if (-not $signature.SignerCertificate) { throw "$Catalog has no readable signature: $($signature.StatusMessage)" }
    $issuer = $signature.SignerCertificate.Issuer
    if ($issuer -match 'Microsoft') { return }
    if (-not (Test-TestSigning)) {
        throw ("The package is signed by '$issuer', not by Microsoft, and test signing is off. On a machine for tests: " +
            "turn Secure Boot off, run 'bcdedit /set testsigning on' in an elevated shell, and restart.")
    }
    if ($signature.Status -ne 'Valid') {
        throw ("Windows does not trust the signer of $Catalog ($($signature.StatusMessage)). Import the test certificate " +
            "into LocalMachine\Root and LocalMachine\TrustedPublisher.")
    }
}

function Assert-Installed {
    if (-not (Test-Installed)) { throw "The component $ComponentId is not installed. Run install.ps1 first." }
}

# Whether INetCfg knows the component. Bindings exist exactly as long as the component does.
function Test-Installed {
    return [bool] (Get-NetAdapterBinding -Name '*' -IncludeHidden -AllBindings -ComponentID $ComponentId -ErrorAction SilentlyContinue)
}

# Runs netcfg.exe and turns its exit code into an exception. Returns whether a restart is wanted.
function Invoke-NetCfg([string[]] $Arguments) {
    $ErrorActionPreference = 'Continue' # Windows PowerShell makes an exception of each line on standard error
    $output = & "$env:SystemRoot\System32\netcfg.exe" @Arguments 2>&1 | Out-String
    $code = $LASTEXITCODE
    Write-Verbose "netcfg.exe $($Arguments -join ' '): exit code $code`n$output"
    switch ($code) {
        0           { return $false }
        0x4A020     { return $true }    # NETCFG_S_REBOOT
        -2147180508 { throw 'Another program holds the network configuration lock (NETCFG_E_NO_WRITE_LOCK). Close it and try again.' }
        default     { throw "netcfg.exe $($Arguments -join ' ') failed with 0x$('{0:X8}' -f $code):`n$output" }
    }
}

# Waits until the service is in $State or gone, as long as $Seconds.
function Wait-WeirService([string] $State, [int] $Seconds = 10) {
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    do {
        $found = Get-Service -Name $Service -ErrorAction SilentlyContinue
        if (-not $found -or $found.Status -eq $State) { return $true }
        Start-Sleep -Milliseconds 100
    } while ([DateTime]::UtcNow -lt $end)
    return $false
}

# Packages of this component in the driver store: the published name (oemNN.inf) of each.
function Get-StorePackage {
    Get-WindowsDriver -Online | Where-Object { (Split-Path -Leaf $_.OriginalFileName) -eq 'weir.inf' }
}

Export-ModuleMember -Function '*' -Variable ComponentId, Service
