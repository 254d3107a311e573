//! OID requests: all of them go to the driver below, as clones.

use kernel::ndis::{CancelId, OidPath, OidRequest};
use kernel::status::Status;

use super::Module;
use crate::tags;

impl Module {
    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterOidRequest")]
    #[doc(alias = "FilterDirectOidRequest")]
    pub(super) fn filter_oid_request<Path: OidPath>(&self, request: OidRequest<Path>) -> Status {
        request.forward(self.handle, tags::OID, |oid, value| self.current.answer(oid, value))
    }

    /// IRQL: <= DISPATCH_LEVEL.
    #[doc(alias = "FilterCancelOidRequest")]
    #[doc(alias = "FilterCancelDirectOidRequest")]
    pub(super) fn filter_oid_cancel<Path: OidPath>(&self, id: CancelId) {
        kernel::ndis::cancel_oids::<Path>(self.handle, id);
    }
}
