//! Devices and IRPs without a framework: what the I/O manager does, and which rules it checks.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod calls;

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::time::Duration;

use calls::{breaks, call, clean, zeroed};
use ddk::inline::{IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, IoMarkIrpPending};
use ddk::nt::{self, DEVICE_OBJECT, DRIVER_OBJECT, IRP, KEVENT, PIRP, PVOID, UNICODE_STRING};
use lab::ntoskrnl::device;

const BUFFERED: u32 = 0x22_2000;
const DIRECT: u32 = 0x22_2006;
const NEITHER: u32 = 0x22_200b;
/// Codes that make the driver below misbehave, by number: 0x800 and up.
const fn fault(number: u32) -> u32 {
    BUFFERED | number << 2
}

static HELD: AtomicPtr<IRP> = AtomicPtr::new(null_mut());
static SEEN: AtomicU32 = AtomicU32::new(0);

/// Sets the outcome of a packet and completes it.
fn complete(irp: PIRP, status: i32, information: u64) -> i32 {
    // SAFETY: the packet is in the driver's hands.
    unsafe {
        (*irp).IoStatus.__bindgen_anon_1.Status = status;
        (*irp).IoStatus.Information = information;
    }
    call!(IofCompleteRequest(irp, 0));
    status
}

fn free(irp: PIRP) -> i32 {
    call!(IoFreeIrp(irp));
    0
}

unsafe extern "win64" fn simple(_device: *mut DEVICE_OBJECT, irp: *mut IRP) -> i32 {
    SEEN.fetch_add(1, Ordering::SeqCst);
    complete(irp, 0, 0)
}

unsafe extern "win64" fn cancel_held(_device: *mut DEVICE_OBJECT, irp: *mut IRP) {
    // SAFETY: cancellation passes a packet that is alive.
    let irql = unsafe { (*irp).CancelIrql };
    call!(IoReleaseCancelSpinLock(irql));
    HELD.store(null_mut(), Ordering::SeqCst);
    complete(irp, nt::STATUS_CANCELLED, 0);
}

unsafe extern "win64" fn control(_device: *mut DEVICE_OBJECT, irp: *mut IRP) -> i32 {
    // SAFETY: the I/O manager passes a packet with a location for this driver.
    let (code, input, output, packet) = unsafe {
        let location = &*IoGetCurrentIrpStackLocation(irp);
        let parameters = location.Parameters.DeviceIoControl;
        (parameters.IoControlCode, parameters.InputBufferLength, parameters.OutputBufferLength, &mut *irp)
    };
    // SAFETY: the buffers have the lengths that the location names.
    unsafe {
        let bytes = |at: PVOID, count: u32| std::slice::from_raw_parts_mut(at.cast::<u8>(), count as usize);
        match code {
            BUFFERED => {
                let buffer = bytes(packet.AssociatedIrp.SystemBuffer, input.min(output));
                buffer.reverse();
                complete(irp, 0, buffer.len() as u64)
            }
            DIRECT => {
                let list = &*packet.MdlAddress;
                assert_eq!((list.ByteCount, input), (output, 3));
                let from = bytes(packet.AssociatedIrp.SystemBuffer, 3).to_vec();
                bytes(list.MappedSystemVa, 3).copy_from_slice(&from);
                complete(irp, 0, 3)
            }
            NEITHER => {
                let third = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl.Type3InputBuffer;
                bytes(packet.UserBuffer, output).fill(bytes(third, input)[0]);
                complete(irp, 0, u64::from(output))
            }
            code if code == fault(1) => {
                IoMarkIrpPending(irp);
                complete(irp, 0, 0)
            }
            code if code == fault(2) => nt::STATUS_PENDING,
            code if code == fault(3) => {
                complete(irp, nt::STATUS_SUCCESS, 0);
                nt::STATUS_UNSUCCESSFUL
            }
            code if code == fault(4) => {
                complete(irp, 0, 0);
                complete(irp, 0, 0)
            }
            code if code == fault(5) => complete(irp, nt::STATUS_PENDING, 0),
            code if code == fault(6) => complete(irp, 0, u64::from(output) + 1),
            code if code == fault(7) => free(irp),
            code if code == fault(8) => {
                packet.CancelRoutine = Some(cancel_held);
                complete(irp, 0, 0)
            }
            code if code == fault(9) => 0,
            // Kept until it is cancelled.
            code if code == fault(10) => {
                IoMarkIrpPending(irp);
                packet.CancelRoutine = Some(cancel_held);
                HELD.store(irp, Ordering::SeqCst);
                nt::STATUS_PENDING
            }
            // Kept for ever.
            code if code == fault(11) => {
                IoMarkIrpPending(irp);
                nt::STATUS_PENDING
            }
            _ => complete(irp, nt::STATUS_INVALID_DEVICE_REQUEST, 0),
        }
    }
}

fn text(text: &str) -> &'static mut UNICODE_STRING {
    let units: &'static mut [u16] = Box::leak(text.encode_utf16().collect());
    let length = units.len() as u16 * 2;
    Box::leak(Box::new(UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() }))
}

fn new_device(name: Option<&str>) -> *mut DEVICE_OBJECT {
    let driver: &mut DRIVER_OBJECT = zeroed();
    driver.MajorFunction = [Some(simple); 28];
    driver.MajorFunction[14] = Some(control);
    let mut device = null_mut();
    let name = name.map_or(null_mut(), |name| std::ptr::from_mut(text(name)));
    assert_eq!(call!(IoCreateDevice(driver, 8, name, 0x22, 0x100, 0, &mut device)), 0);
    // SAFETY: the device was just made.
    unsafe { (*device).Flags = (*device).Flags & !0x80 | 0x4 };
    device
}

/// A device with a link, opened by user mode.
fn opened() -> (*mut DEVICE_OBJECT, device::File) {
    let device = new_device(Some(r"\Device\Wdm"));
    assert_eq!(call!(IoCreateSymbolicLink(text(r"\DosDevices\Wdm"), text(r"\Device\Wdm"))), 0);
    (device, device::open(r"\\.\Wdm").expect("opens"))
}

fn misbehave(number: u32) {
    let (_device, file) = opened();
    file.ioctl(fault(number), &[1], 1);
}

unsafe extern "win64" fn keep(_device: *mut DEVICE_OBJECT, _irp: PIRP, event: PVOID) -> i32 {
    call!(KeSetEvent(event.cast::<KEVENT>(), 0, 0));
    nt::STATUS_MORE_PROCESSING_REQUIRED
}

unsafe extern "win64" fn pass_on(_device: *mut DEVICE_OBJECT, _irp: PIRP, _context: PVOID) -> i32 {
    SEEN.fetch_add(100, Ordering::SeqCst);
    nt::STATUS_SUCCESS
}

fn event() -> &'static mut KEVENT {
    let event = zeroed();
    call!(KeInitializeEvent(event, 0, 0));
    event
}

/// A packet for `device` whose completion is caught by `keep`.
fn own_packet(device: *mut DEVICE_OBJECT, event: *mut KEVENT) -> PIRP {
    // SAFETY: the device was made above.
    let irp = call!(IoAllocateIrp((*device).StackSize, 0));
    // SAFETY: a fresh packet has a location for the driver it is sent to.
    unsafe { (*IoGetNextIrpStackLocation(irp)).MajorFunction = 3 };
    let _ = call!(IoSetCompletionRoutineEx(device, irp, Some(keep), event.cast(), 1, 1, 1));
    irp
}

breaks! {
    g_53_marked_pending_but_not_returned: "G-53" Verifier { misbehave(1); }
    g_53_returned_pending_but_not_marked: "G-53" Verifier { misbehave(2); }
    g_53_another_status_than_that_of_the_irp: "G-53" Verifier { misbehave(3); }
    g_53_neither_completed_nor_passed_on: "G-53" Verifier { misbehave(9); }
    g_50_completed_twice: "G-50" Verifier { misbehave(4); }
    g_50_completed_with_pending: "G-50" Verifier { misbehave(5); }
    g_50_completed_with_a_cancel_routine: "G-50" Verifier { misbehave(8); }
    g_58_more_than_there_is_room_for: "G-58" Verifier { misbehave(6); }
    g_51_a_request_of_user_mode_is_freed: "G-51" Verifier { misbehave(7); }
    g_51_freed_while_a_driver_has_it: "G-51" Verifier {
        let device = new_device(None);
        let irp = call!(IoAllocateIrp(1, 0));
        // SAFETY: a fresh packet has a location for the driver it is sent to.
        unsafe {
            let location = &mut *IoGetNextIrpStackLocation(irp);
            location.MajorFunction = 14;
            location.Parameters.DeviceIoControl.IoControlCode = fault(11);
        }
        let _ = call!(IofCallDriver(device, irp));
        call!(IoFreeIrp(irp));
    }
    g_51_completion_goes_past_its_maker: "G-51" Verifier {
        let device = new_device(None);
        let irp = call!(IoAllocateIrp(1, 0));
        let _ = call!(IofCallDriver(device, irp));
    }
    g_52_a_device_that_is_none: "G-52" Verifier {
        let irp = call!(IoAllocateIrp(1, 0));
        let _ = call!(IofCallDriver(zeroed(), irp));
    }
    g_52_no_free_stack_location: "G-52" Verifier {
        let (device, event) = (new_device(None), event());
        let irp = own_packet(device, event);
        // SAFETY: the packet is the driver's own.
        unsafe { (*irp).CurrentLocation = 1 };
        let _ = call!(IofCallDriver(device, irp));
    }
    g_52_a_deleted_device: "G-52" Verifier {
        let device = new_device(None);
        call!(IoDeleteDevice(device));
        call!(IoDeleteDevice(device));
    }
    g_54_pending_is_not_passed_on: "G-54" Verifier {
        let (below, above, event) = (new_device(None), new_device(None), event());
        call!(IoAttachDeviceToDeviceStack(above, below));
        let irp = own_packet(above, event);
        // The driver in the middle: takes its location, prepares the next and marks what it sends on.
        // SAFETY: the packet has two locations.
        unsafe {
            (*irp).CurrentLocation -= 1;
            let place = &mut (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation;
            *place = place.sub(1);
            (**place).DeviceObject = above;
            let next = &mut *IoGetNextIrpStackLocation(irp);
            next.MajorFunction = 14;
            next.Parameters.DeviceIoControl.IoControlCode = fault(11);
        }
        let _ = call!(IoSetCompletionRoutineEx(above, irp, Some(pass_on), null_mut(), 1, 1, 1));
        assert_eq!(call!(IofCallDriver(below, irp)), nt::STATUS_PENDING);
        complete(irp, 0, 0);
    }
    g_56_a_request_that_ignores_cancellation: "G-56" Verifier {
        let (_device, file) = opened();
        let _pending = file.ioctl_pending(fault(11), &[], 0);
        file.close();
    }
    g_57_initialised_though_the_kernel_made_it: "G-57" Verifier {
        let irp = call!(IoAllocateIrp(1, 0));
        call!(IoInitializeIrp(irp, 1000, 1));
    }
    g_57_reused_while_a_driver_has_it: "G-57" Verifier {
        let device = new_device(None);
        let irp = call!(IoAllocateIrp(1, 0));
        // SAFETY: as above.
        unsafe {
            let location = &mut *IoGetNextIrpStackLocation(irp);
            location.MajorFunction = 14;
            location.Parameters.DeviceIoControl.IoControlCode = fault(11);
        }
        let _ = call!(IofCallDriver(device, irp));
        call!(IoReuseIrp(irp, 0));
    }
}

clean! {
    a_device_answers_user_mode {
        let (device, file) = opened();
        assert_eq!(SEEN.load(Ordering::SeqCst), 1, "one create");
        assert_eq!(file.ioctl(BUFFERED, b"abc", 9), (0, b"cba".to_vec()));
        assert_eq!(file.ioctl(DIRECT, b"abc", 5), (0, b"abc".to_vec()));
        assert_eq!(file.ioctl(NEITHER, b"x", 4), (0, b"xxxx".to_vec()));
        assert_eq!(file.ioctl(fault(99), &[], 0).0, nt::STATUS_INVALID_DEVICE_REQUEST);
        assert_eq!(file.read(4), (0, vec![]));
        assert_eq!(file.write(b"abc"), (0, 0));
        let pending = file.ioctl_pending(fault(10), &[], 0);
        assert_eq!(pending.wait(Duration::from_millis(5)), None);
        pending.cancel();
        assert_eq!(pending.wait(Duration::from_secs(5)), Some(nt::STATUS_CANCELLED));
        // Another one is cancelled by the close.
        let _pending = file.ioctl_pending(fault(10), &[], 0);
        file.close();
        assert_eq!(SEEN.load(Ordering::SeqCst), 5, "create, read, write, cleanup, close");
        assert_eq!(call!(IoDeleteSymbolicLink(text(r"\??\WDM"))), 0);
        call!(IoDeleteDevice(device));
        assert_eq!(device::open(r"\\.\Wdm").err(), Some(nt::STATUS_OBJECT_NAME_NOT_FOUND));
    }
    irps_go_down_a_stack_and_come_back {
        let (device, event) = (new_device(None), event());
        let irp = own_packet(device, event);
        assert_eq!(call!(IofCallDriver(device, irp)), 0);
        assert_eq!(call!(KeReadStateEvent(event)), 1);
        call!(IoReuseIrp(irp, nt::STATUS_NOT_SUPPORTED));
        // SAFETY: the packet is the driver's own.
        unsafe {
            assert_eq!((*irp).IoStatus.__bindgen_anon_1.Status, nt::STATUS_NOT_SUPPORTED);
            (*IoGetNextIrpStackLocation(irp)).MajorFunction = 4;
        }
        let _ = call!(IoSetCompletionRoutineEx(device, irp, Some(keep), std::ptr::from_mut(event).cast(), 1, 1, 1));
        assert_eq!(call!(IofCallDriver(device, irp)), 0);
        call!(IoFreeIrp(irp));
        // The I/O manager's own packets end by themselves.
        let (mut block, mut output) = (nt::IO_STATUS_BLOCK::default(), [0u8; 4]);
        let mut input = *b"hi!";
        call!(KeClearEvent(event));
        let irp = call!(IoBuildDeviceIoControlRequest(
            BUFFERED, device, input.as_mut_ptr().cast(), 3, output.as_mut_ptr().cast(), 4, 0, event, &mut block
        ));
        assert_eq!(call!(IofCallDriver(device, irp)), 0);
        assert_eq!((call!(KeReadStateEvent(event)), block.Information, &output), (1, 3, b"!ih\0"));
        call!(IoDeleteDevice(device));
    }
    a_queue_gives_packets_back_or_cancels_them {
        unsafe extern "win64" fn insert(_csq: *mut nt::IO_CSQ, irp: PIRP) {
            HELD.store(irp, Ordering::SeqCst);
        }
        unsafe extern "win64" fn remove(_csq: *mut nt::IO_CSQ, _irp: PIRP) {
            HELD.store(null_mut(), Ordering::SeqCst);
        }
        unsafe extern "win64" fn peek(_csq: *mut nt::IO_CSQ, irp: PIRP, _wanted: PVOID) -> PIRP {
            if irp.is_null() { HELD.load(Ordering::SeqCst) } else { null_mut() }
        }
        unsafe extern "win64" fn acquire(_csq: *mut nt::IO_CSQ, irql: *mut u8) {
            let old = call!(KeAcquireSpinLockRaiseToDpc(SPIN.as_ptr()));
            // SAFETY: the queue passes room for the IRQL.
            unsafe { *irql = old };
        }
        unsafe extern "win64" fn release(_csq: *mut nt::IO_CSQ, irql: u8) {
            call!(KeReleaseSpinLock(SPIN.as_ptr(), irql));
        }
        unsafe extern "win64" fn complete_canceled(_csq: *mut nt::IO_CSQ, irp: PIRP) {
            SEEN.fetch_add(1, Ordering::SeqCst);
            complete(irp, nt::STATUS_CANCELLED, 0);
        }
        unsafe extern "win64" fn queue(_device: *mut DEVICE_OBJECT, irp: PIRP) -> i32 {
            call!(IoCsqInsertIrp(QUEUE.load(Ordering::SeqCst), irp, null_mut()));
            nt::STATUS_PENDING
        }
        static SPIN: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        static QUEUE: AtomicPtr<nt::IO_CSQ> = AtomicPtr::new(null_mut());
        let csq: &mut nt::IO_CSQ = zeroed();
        let status = call!(IoCsqInitialize(
            csq, Some(insert), Some(remove), Some(peek), Some(acquire), Some(release), Some(complete_canceled)
        ));
        assert_eq!(status, 0);
        QUEUE.store(csq, Ordering::SeqCst);
        let (device, file) = opened();
        // SAFETY: the device exists.
        unsafe { (*(*device).DriverObject).MajorFunction[14] = Some(queue) };
        let pending = file.ioctl_pending(BUFFERED, &[], 0);
        let irp = call!(IoCsqRemoveNextIrp(csq, null_mut()));
        assert!(!irp.is_null() && call!(IoCsqRemoveNextIrp(csq, null_mut())).is_null());
        complete(irp, 0, 0);
        assert_eq!(pending.wait(Duration::from_secs(5)), Some(0));
        let before = SEEN.load(Ordering::SeqCst);
        let pending = file.ioctl_pending(BUFFERED, &[], 0);
        pending.cancel();
        assert_eq!(pending.wait(Duration::from_secs(5)), Some(nt::STATUS_CANCELLED));
        assert_eq!(SEEN.load(Ordering::SeqCst), before + 1);
        file.close();
        let _ = call!(IoDeleteSymbolicLink(text(r"\DosDevices\Wdm")));
        call!(IoDeleteDevice(device));
    }
}
