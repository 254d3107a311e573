//! Control devices that NDIS makes for filter drivers.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod ndis_mock;

use std::ptr::null_mut;

use ddk::ndis::{
    NDIS_DEVICE_OBJECT_ATTRIBUTES, NDIS_HANDLE, NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES,
    NDIS_SIZEOF_DEVICE_OBJECT_ATTRIBUTES_REVISION_1, NDIS_STATUS_SUCCESS,
};
use ddk::nt::{self, IRP, PDEVICE_OBJECT, PDRIVER_DISPATCH, UNICODE_STRING};
use lab::child::{self, Status};
use lab::ndis::device::{NdisDeregisterDeviceEx, NdisGetDeviceReservedExtension, NdisRegisterDeviceEx};
use lab::ntoskrnl::{device, irp};

// SAFETY of every `unsafe` block below: the functions called are the lab's exports, whose contracts the tests
// keep except where they break one on purpose.

const CONTROL: usize = 14;
const CODE: u32 = 0x22_2000;

unsafe extern "win64" fn succeed(_device: PDEVICE_OBJECT, packet: *mut IRP) -> i32 {
    // SAFETY: the I/O manager passes a live packet.
    unsafe {
        (*packet).IoStatus.__bindgen_anon_1.Status = 0;
        (*packet).IoStatus.Information = 0;
        irp::IofCompleteRequest(packet, 0);
    }
    0
}

/// Counts the control requests in the device's extension.
unsafe extern "win64" fn count(device: PDEVICE_OBJECT, packet: *mut IRP) -> i32 {
    // SAFETY: the extension has room for the counter.
    unsafe {
        let counter = NdisGetDeviceReservedExtension(device).cast::<u64>();
        *counter += 1;
        succeed(device, packet)
    }
}

fn text(text: &str) -> &'static mut UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
    let length = units.len() as u16 * 2;
    Box::leak(Box::new(UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() }))
}

fn register(revision: u8) -> (i32, PDEVICE_OBJECT, NDIS_HANDLE) {
    let mut routines: [PDRIVER_DISPATCH; 28] = [Some(succeed); 28];
    routines[CONTROL] = Some(count);
    let (mut object, mut handle) = (null_mut(), null_mut());
    // SAFETY: see above.
    let status = unsafe {
        let mut attributes: NDIS_DEVICE_OBJECT_ATTRIBUTES = std::mem::zeroed();
        attributes.Header.Type = NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES;
        attributes.Header.Revision = revision;
        attributes.Header.Size = NDIS_SIZEOF_DEVICE_OBJECT_ATTRIBUTES_REVISION_1;
        attributes.DeviceName = std::ptr::from_mut(text(r"\Device\Counter")).cast();
        attributes.SymbolicName = std::ptr::from_mut(text(r"\DosDevices\Counter")).cast();
        attributes.MajorFunctions = routines.as_mut_ptr();
        attributes.ExtensionSize = 8;
        NdisRegisterDeviceEx(
            ndis_mock::driver_handle(),
            &raw mut attributes,
            &raw mut object,
            &raw mut handle,
        )
    };
    (status, object, handle)
}

fn machine() -> lab::Machine {
    let machine = lab::Machine::new(lab::Options::default());
    assert_eq!(ndis_mock::register_with(ndis_mock::characteristics()), NDIS_STATUS_SUCCESS);
    machine
}

#[test]
fn a_device_has_routines_of_its_own_until_it_goes() {
    child::test("a_device_has_routines_of_its_own_until_it_goes", || {
        let machine = machine();
        let (status, object, handle) = register(1);
        assert_eq!(status, NDIS_STATUS_SUCCESS);
        assert_eq!(register(1).0, nt::STATUS_OBJECT_NAME_COLLISION, "the name is taken");
        let file = device::open(r"\\.\Counter").expect("opens");
        for _ in 0..3 {
            assert_eq!(file.ioctl(CODE, &[], 0).0, 0);
        }
        // SAFETY: see above.
        assert_eq!(unsafe { *NdisGetDeviceReservedExtension(object).cast::<u64>() }, 3);
        drop(file);
        // SAFETY: see above.
        unsafe { NdisDeregisterDeviceEx(handle) };
        assert!(device::open(r"\\.\Counter").is_err());
        let (status, _, handle) = register(1);
        assert_eq!(status, NDIS_STATUS_SUCCESS, "the name is free again");
        // SAFETY: see above.
        unsafe { NdisDeregisterDeviceEx(handle) };
        ndis_mock::deregister();
        let report = machine.finish();
        assert!(report.is_clean(), "{report:?}");
    });
}

#[test]
fn l_3_a_device_is_never_deregistered() {
    let exit = child::run("l_3_a_device_is_never_deregistered", || {
        let machine = machine();
        assert_eq!(register(1).0, NDIS_STATUS_SUCCESS);
        ndis_mock::deregister();
        machine.finish();
    });
    if !child::is_child() {
        let mut leaks = exit.report.leaks.iter();
        assert!(
            leaks.any(|leak| leak.rule == "L-3" && leak.what.contains("NDIS device")),
            "{:?}",
            exit.report
        );
    }
}

#[test]
fn n_26_a_device_of_an_unknown_revision() {
    child::expect("n_26_a_device_of_an_unknown_revision", Status::Verifier, "N-26", || {
        let _machine = machine();
        register(2);
    });
}
