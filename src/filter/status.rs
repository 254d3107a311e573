//! Status indications: all of them go to the drivers above.

use ddk::ndis::NDIS_STATUS_INDICATION;

use super::Module;

impl Module {
    /// IRQL: <= DISPATCH_LEVEL, in every state but detached.
    #[doc(alias = "FilterStatus")]
    pub(super) fn filter_status(&self, status: &mut NDIS_STATUS_INDICATION) {
        self.current.status(status);
        self.handle.indicate_status(status);
    }
}
