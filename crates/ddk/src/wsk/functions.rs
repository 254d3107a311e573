//! The functions of NETIO.SYS with which a client comes to the WSK provider.
use super::*;

imports! {
    dll "NETIO.SYS";
    /// Registers a client. The registration and the client dispatch stay in place until
    /// [`WskDeregister`] has returned.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn WskRegister(WskClientNpi: PWSK_CLIENT_NPI, WskRegistration: PWSK_REGISTRATION) -> NTSTATUS;
    /// Ends a registration. Waits until every captured provider NPI is released, every socket is closed
    /// and every request is complete.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn WskDeregister(WskRegistration: PWSK_REGISTRATION);
    /// Captures the provider, which then stays until [`WskReleaseProviderNPI`]. Waits up to
    /// `WaitTimeout` milliseconds for the subsystem.
    ///
    /// IRQL: <= DISPATCH_LEVEL with `WSK_NO_WAIT`, PASSIVE_LEVEL otherwise.
    #[must_use]
    pub fn WskCaptureProviderNPI(
        WskRegistration: PWSK_REGISTRATION,
        WaitTimeout: ULONG,
        WskProviderNpi: PWSK_PROVIDER_NPI,
    ) -> NTSTATUS;
    /// Gives back one [`WskCaptureProviderNPI`]; the provider's dispatch table is not used any more.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn WskReleaseProviderNPI(WskRegistration: PWSK_REGISTRATION);
    /// The range of WSK versions that the subsystem has.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn WskQueryProviderCharacteristics(
        WskRegistration: PWSK_REGISTRATION,
        WskProviderCharacteristics: PWSK_PROVIDER_CHARACTERISTICS,
    ) -> NTSTATUS;
}
