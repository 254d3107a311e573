//! Inline functions, bit fields and the framework call, run on this host.
#![allow(non_snake_case, reason = "an import is named as in C")]
#![allow(clippy::undocumented_unsafe_blocks, reason = "each test owns all the memory it points to")]

use core::ptr::null_mut;

use ddk::inline::*;
use ddk::ndis::{
    NDIS_NET_BUFFER_LIST_8021Q_INFO, NET_BUFFER_LIST, NET_BUFFER_LIST_INFO, NetBufferListCancelId,
};
use ddk::nt::*;

fn entry() -> LIST_ENTRY {
    LIST_ENTRY { Flink: null_mut(), Blink: null_mut() }
}

#[test]
fn lists_keep_order() {
    let (mut head, mut a, mut b) = (entry(), entry(), entry());
    let (head, a, b) = (&raw mut head, &raw mut a, &raw mut b);
    unsafe {
        InitializeListHead(head);
        assert!(IsListEmpty(head));
        InsertTailList(head, a);
        InsertTailList(head, b);
        assert!(!IsListEmpty(head));
        assert_eq!(RemoveHeadList(head), a);
        assert!(RemoveEntryList(b), "the list is empty after its last entry left");
        assert!(IsListEmpty(head));
        assert_eq!(RemoveHeadList(head), head, "an empty list gives its head");
    }
}

#[test]
fn irp_stack_locations_move_and_keep_their_flags() {
    let mut stack = [IO_STACK_LOCATION::default(); 3];
    let mut irp = IRP { CurrentLocation: 2, ..IRP::default() };
    unsafe {
        irp.Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation = &raw mut stack[1];
        let irp = &raw mut irp;
        assert_eq!(IoGetCurrentIrpStackLocation(irp), &raw mut stack[1]);
        assert_eq!(IoGetNextIrpStackLocation(irp), &raw mut stack[0]);
        IoMarkIrpPending(irp);
        let context = null_mut::<u8>().wrapping_add(0x1234).cast();
        IoSetCompletionRoutine(irp, None, context, true, false, true);
        IoSkipCurrentIrpStackLocation(irp);
        assert_eq!(IoGetCurrentIrpStackLocation(irp), &raw mut stack[2]);
        assert_eq!((*irp).CurrentLocation, 3);
        assert_eq!(u32::from(stack[1].Control), SL_PENDING_RETURNED);
        assert_eq!(u32::from(stack[0].Control), SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_CANCEL);
        assert_eq!(stack[0].Context, context);
    }
}

ddk::abi_fn! {
    /// A cancel routine, for its address.
    unsafe fn cancel(_device: *mut _DEVICE_OBJECT, _irp: *mut _IRP) {}
}

#[test]
fn a_cancel_routine_is_exchanged() {
    let mut irp = IRP::default();
    let irp = &raw mut irp;
    unsafe {
        assert!(IoSetCancelRoutine(irp, Some(cancel)).is_none());
        assert!(IoSetCancelRoutine(irp, None).is_some());
        assert!(IoSetCancelRoutine(irp, None).is_none());
    }
}

ddk::abi_fn! {
    /// Stands in for the kernel's mapping function: an address that tells the arguments.
    #[unsafe(no_mangle)]
    unsafe fn MmMapLockedPagesSpecifyCache(
        _mdl: PMDL,
        mode: KPROCESSOR_MODE,
        cache: MEMORY_CACHING_TYPE,
        requested: PVOID,
        bug_check: ULONG,
        priority: ULONG,
    ) -> PVOID {
        assert_eq!((i32::from(mode), cache, bug_check), (_MODE::KernelMode, _MEMORY_CACHING_TYPE::MmCached, 0));
        assert!(requested.is_null());
        core::ptr::without_provenance_mut(priority as usize)
    }
}

#[test]
fn an_unmapped_mdl_is_mapped() {
    let mut mdl = MDL::default();
    assert_eq!(unsafe { MmGetSystemAddressForMdlSafe(&raw mut mdl, 0x4000_0010) }.addr(), 0x4000_0010);
}

#[test]
fn mdl_addresses_follow_start_and_offset() {
    let mut page = [0u8; 64];
    let mdl = MDL {
        MdlFlags: MDL_SOURCE_IS_NONPAGED_POOL as i16,
        MappedSystemVa: page.as_mut_ptr().cast(),
        StartVa: null_mut::<u8>().wrapping_add(0x1000).cast(),
        ByteOffset: 0x10,
        ByteCount: 64,
        ..MDL::default()
    };
    unsafe {
        assert_eq!(MmGetSystemAddressForMdlSafe((&raw const mdl).cast_mut(), 16), page.as_mut_ptr().cast());
        assert_eq!(MmGetMdlVirtualAddress(&mdl).addr(), 0x1010);
        assert_eq!((MmGetMdlByteCount(&mdl), MmGetMdlByteOffset(&mdl)), (64, 0x10));
    }
    assert_eq!(ADDRESS_AND_SIZE_TO_SPAN_PAGES(null_mut::<u8>().wrapping_add(0xFFF).cast(), 2), 2);
    assert_eq!(ADDRESS_AND_SIZE_TO_SPAN_PAGES(null_mut::<u8>().wrapping_add(0x1000).cast(), 4096), 1);
}

#[test]
fn ioctl_codes_and_status_classes_are_those_of_the_headers() {
    // IOCTL_NDIS_QUERY_GLOBAL_STATS, a published number.
    assert_eq!(CTL_CODE(FILE_DEVICE_PHYSICAL_NETCARD, 0, METHOD_OUT_DIRECT, FILE_ANY_ACCESS), 0x0017_0002);
    assert!(
        NT_SUCCESS(STATUS_PENDING) && NT_ERROR(STATUS_UNSUCCESSFUL) && NT_WARNING(STATUS_BUFFER_OVERFLOW)
    );
    assert!(NT_INFORMATION(0x4000_0000));
}

#[test]
fn bit_fields_do_not_touch_their_neighbours() {
    let mut info: NDIS_NET_BUFFER_LIST_8021Q_INFO = unsafe { core::mem::zeroed() };
    unsafe {
        info.u.TagHeader.set_UserPriority(5);
        info.u.TagHeader.set_VlanId(0x1FFF);
        assert_eq!(info.u.TagHeader.UserPriority(), 5);
        assert_eq!(info.u.TagHeader.VlanId(), 0xFFF, "twelve bits");
        assert_eq!(info.u.TagHeader.CanonicalFormatId(), 0);
        info.u.TagHeader.set_UserPriority(0);
        assert_eq!((info.u.TagHeader.VlanId(), info.u.TagHeader.UserPriority()), (0xFFF, 0));
    }
}

#[test]
fn out_of_band_slots_are_counted_from_the_first() {
    let mut list: NET_BUFFER_LIST = unsafe { core::mem::zeroed() };
    let list = &raw mut list;
    unsafe {
        let slot = NET_BUFFER_LIST_INFO(list, NetBufferListCancelId);
        assert_eq!(slot, (&raw mut (*list).NetBufferListInfo).cast::<PVOID>().add(5));
    }
}

#[test]
fn a_guid_keeps_the_order_in_which_it_is_written() {
    let key = ddk::fwp::FWPM_LAYER_ALE_AUTH_CONNECT_V4;
    assert_eq!((key.Data1, key.Data2, key.Data3), (0xC38D_57D1, 0x05A7, 0x4C33));
    assert_eq!(key.Data4, [0x90, 0x4F, 0x7F, 0xBC, 0xEE, 0xE6, 0x0E, 0x82]);
}

ddk::abi_fn! {
    /// Stands in for the framework's `WdfRequestSetInformation`.
    unsafe fn set_information(globals: PWDF_DRIVER_GLOBALS, request: WDFREQUEST, information: ULONG_PTR) {
        // SAFETY: the test passes its own variable as the request.
        unsafe { *request.cast::<(PWDF_DRIVER_GLOBALS, ULONG_PTR)>() = (globals, information) }
    }
}

#[test]
fn framework_calls_go_through_the_table_with_the_globals_first() {
    let slot = ddk::wdf::slot::WdfRequestSetInformation.index();
    let mut table = vec![None::<unsafe extern "C" fn()>; slot + 1];
    let mut globals = WDF_DRIVER_GLOBALS::default();
    let mut seen = (null_mut(), 0);
    unsafe {
        let function: PFN_WDFREQUESTSETINFORMATION = Some(set_information);
        table[slot] =
            core::mem::transmute::<PFN_WDFREQUESTSETINFORMATION, Option<unsafe extern "C" fn()>>(function);
        WdfFunctions = table.as_ptr().cast();
        WdfDriverGlobals = &raw mut globals;
        ddk::wdf_call!(WdfRequestSetInformation, (&raw mut seen).cast(), 77);
    }
    assert_eq!(seen, (&raw mut globals, 77));
}

#[test]
fn init_functions_state_size_and_defaults() {
    let queue = ddk::wdf::WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(
        _WDF_IO_QUEUE_DISPATCH_TYPE::WdfIoQueueDispatchParallel,
    );
    assert_eq!((queue.Size, queue.DefaultQueue, queue.PowerManaged), (96, 1, _WDF_TRI_STATE::WdfUseDefault));
    assert_eq!(unsafe { queue.Settings.Parallel.NumberOfPresentedRequests }, u32::MAX);
    let attributes = ddk::wdf::WDF_OBJECT_ATTRIBUTES_INIT();
    assert_eq!((attributes.Size, attributes.ExecutionLevel, attributes.SynchronizationScope), (56, 1, 1));
}
