//! Net buffers, net buffer lists and their pools.
use super::*;

/// A frame or a part of one: a chain of MDLs and the window of used bytes in it. `Next` to `DataOffset`
/// are also reachable in C as `NetBufferHeader`; `DataLength` is the low half of `stDataLength`.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct NET_BUFFER {
    pub Next: PNET_BUFFER,
    pub CurrentMdl: PMDL,
    pub CurrentMdlOffset: ULONG,
    pub _padding_0: [u8; 4],
    pub DataLength: ULONG,
    pub MdlChain: PMDL,
    pub DataOffset: ULONG,
    pub _padding_1: [u8; 4],
    pub ChecksumBias: USHORT,
    pub Reserved: USHORT,
    pub NdisPoolHandle: NDIS_HANDLE,
    pub NdisReserved: [PVOID; 2],
    pub ProtocolReserved: [PVOID; 6],
    pub MiniportReserved: [PVOID; 4],
    pub DataPhysicalAddress: NDIS_PHYSICAL_ADDRESS,
    pub u: NET_BUFFER_u,
}
/// Part of [`NET_BUFFER`].
#[repr(C)]
#[derive(Clone, Copy)]
pub union NET_BUFFER_u {
    pub SharedMemoryInfo: PNET_BUFFER_SHARED_MEMORY,
    pub ScatterGatherList: PSCATTER_GATHER_LIST,
}

/// `NET_BUFFER_HEADER` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub union NET_BUFFER_HEADER {
    pub NetBufferData: NET_BUFFER_HEADER_NetBufferData,
    pub Link: SLIST_HEADER,
}
/// Part of [`NET_BUFFER_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_HEADER_NetBufferData {
    pub Next: PNET_BUFFER,
    pub CurrentMdl: PMDL,
    pub CurrentMdlOffset: ULONG,
    pub _padding_0: [u8; 4],
    pub DataLength: ULONG,
    pub MdlChain: PMDL,
    pub DataOffset: ULONG,
}
pub type PNET_BUFFER_HEADER = *mut NET_BUFFER_HEADER;

/// A list of net buffers with common out-of-band data. NDIS allocates every list with the length of
/// *its* version: never compute with the size of this type or with the length of `NetBufferListInfo`.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_LIST {
    pub Next: PNET_BUFFER_LIST,
    pub FirstNetBuffer: PNET_BUFFER,
    pub Context: PNET_BUFFER_LIST_CONTEXT,
    pub ParentNetBufferList: PNET_BUFFER_LIST,
    pub NdisPoolHandle: NDIS_HANDLE,
    pub _padding_0: [u8; 8],
    pub NdisReserved: [PVOID; 2],
    pub ProtocolReserved: [PVOID; 4],
    pub MiniportReserved: [PVOID; 2],
    pub Scratch: PVOID,
    pub SourceHandle: NDIS_HANDLE,
    pub NblFlags: ULONG,
    pub ChildRefCount: LONG,
    pub Flags: ULONG,
    pub Status: NDIS_STATUS,
    pub NetBufferListInfo: [PVOID; 27],
}

/// `NET_BUFFER_LIST_CONTEXT` (NDIS).
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_LIST_CONTEXT {
    pub Next: PNET_BUFFER_LIST_CONTEXT,
    pub Size: USHORT,
    pub Offset: USHORT,
    pub _padding_0: [u8; 4],
    pub ContextData: [UCHAR; 0],
}

/// `NET_BUFFER_LIST_HEADER` (NDIS).
#[repr(C)]
#[derive(Clone, Copy)]
pub union NET_BUFFER_LIST_HEADER {
    pub NetBufferListData: NET_BUFFER_LIST_HEADER_NetBufferListData,
    pub Link: SLIST_HEADER,
}
/// Part of [`NET_BUFFER_LIST_HEADER`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_LIST_HEADER_NetBufferListData {
    pub Next: PNET_BUFFER_LIST,
    pub FirstNetBuffer: PNET_BUFFER,
}
pub type PNET_BUFFER_LIST_HEADER = *mut NET_BUFFER_LIST_HEADER;

/// `NET_BUFFER_LIST_POOL_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_LIST_POOL_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub ProtocolId: UCHAR,
    pub fAllocateNetBuffer: BOOLEAN,
    pub ContextSize: USHORT,
    pub PoolTag: ULONG,
    pub DataSize: ULONG,
    pub Flags: ULONG,
}

/// `NET_BUFFER_POOL_PARAMETERS` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_POOL_PARAMETERS {
    pub Header: NDIS_OBJECT_HEADER,
    pub PoolTag: ULONG,
    pub DataSize: ULONG,
    pub Flags: ULONG,
}

/// `NET_BUFFER_SHARED_MEMORY` (NDIS).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NET_BUFFER_SHARED_MEMORY {
    pub NextSharedMemorySegment: PNET_BUFFER_SHARED_MEMORY,
    pub SharedMemoryFlags: ULONG,
    pub SharedMemoryHandle: NDIS_HANDLE,
    pub SharedMemoryOffset: ULONG,
    pub SharedMemoryLength: ULONG,
}

layout! {
    NET_BUFFER: 176, 16 {
        Next: 0, 8; CurrentMdl: 8, 8; CurrentMdlOffset: 16, 4; DataLength: 24, 4; MdlChain: 32, 8;
        DataOffset: 40, 4; ChecksumBias: 48, 2; Reserved: 50, 2; NdisPoolHandle: 56, 8;
        NdisReserved: 64, 16; ProtocolReserved: 80, 48; MiniportReserved: 128, 32;
        DataPhysicalAddress: 160, 8; u.SharedMemoryInfo: 168, 8; u.ScatterGatherList: 168, 8;
    }
    NET_BUFFER_HEADER: 48, 16 {
        NetBufferData.Next: 0, 8; NetBufferData.CurrentMdl: 8, 8; NetBufferData.CurrentMdlOffset: 16, 4;
        NetBufferData.DataLength: 24, 4; NetBufferData.MdlChain: 32, 8; NetBufferData.DataOffset: 40, 4;
        Link: 0, 16;
    }
    NET_BUFFER_LIST: 368, 16 {
        Next: 0, 8; FirstNetBuffer: 8, 8; Context: 16, 8; ParentNetBufferList: 24, 8;
        NdisPoolHandle: 32, 8; NdisReserved: 48, 16; ProtocolReserved: 64, 32; MiniportReserved: 96, 16;
        Scratch: 112, 8; SourceHandle: 120, 8; NblFlags: 128, 4; ChildRefCount: 132, 4; Flags: 136, 4;
        Status: 140, 4; NetBufferListInfo: 144, 216;
    }
    NET_BUFFER_LIST_CONTEXT: 16, 16 { Next: 0, 8; Size: 8, 2; Offset: 10, 2; ContextData: 16, 0; }
    NET_BUFFER_LIST_HEADER: 16, 16 {
        NetBufferListData.Next: 0, 8; NetBufferListData.FirstNetBuffer: 8, 8; Link: 0, 16;
    }
    NET_BUFFER_LIST_POOL_PARAMETERS: 20, 4 {
        Header: 0, 4; ProtocolId: 4, 1; fAllocateNetBuffer: 5, 1; ContextSize: 6, 2; PoolTag: 8, 4;
        DataSize: 12, 4; Flags: 16, 4;
    }
    NET_BUFFER_POOL_PARAMETERS: 16, 4 { Header: 0, 4; PoolTag: 4, 4; DataSize: 8, 4; Flags: 12, 4; }
    NET_BUFFER_SHARED_MEMORY: 32, 8 {
        NextSharedMemorySegment: 0, 8; SharedMemoryFlags: 8, 4; SharedMemoryHandle: 16, 8;
        SharedMemoryOffset: 24, 4; SharedMemoryLength: 28, 4;
    }
}
