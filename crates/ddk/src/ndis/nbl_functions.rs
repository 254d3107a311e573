//! Functions on net buffers, net buffer lists and their MDLs.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// `NdisAllocateNetBufferListPool`.
    pub fn NdisAllocateNetBufferListPool(
        NdisHandle: NDIS_HANDLE,
        Parameters: PNET_BUFFER_LIST_POOL_PARAMETERS,
    ) -> NDIS_HANDLE;
    /// `NdisFreeNetBufferListPool`.
    pub fn NdisFreeNetBufferListPool(PoolHandle: NDIS_HANDLE);
    /// `NdisAllocateNetBufferPool`.
    pub fn NdisAllocateNetBufferPool(
        NdisHandle: NDIS_HANDLE,
        Parameters: PNET_BUFFER_POOL_PARAMETERS,
    ) -> NDIS_HANDLE;
    /// `NdisFreeNetBufferPool`.
    pub fn NdisFreeNetBufferPool(PoolHandle: NDIS_HANDLE);
    /// `NdisAllocateNetBuffer`.
    pub fn NdisAllocateNetBuffer(
        PoolHandle: NDIS_HANDLE,
        MdlChain: PMDL,
        DataOffset: ULONG,
        DataLength: SIZE_T,
    ) -> PNET_BUFFER;
    /// `NdisFreeNetBuffer`.
    pub fn NdisFreeNetBuffer(NetBuffer: PNET_BUFFER);
    /// `NdisAllocateNetBufferList`.
    pub fn NdisAllocateNetBufferList(
        PoolHandle: NDIS_HANDLE,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
    ) -> PNET_BUFFER_LIST;
    /// `NdisFreeNetBufferList`.
    pub fn NdisFreeNetBufferList(NetBufferList: PNET_BUFFER_LIST);
    /// `NdisAllocateNetBufferAndNetBufferList`.
    pub fn NdisAllocateNetBufferAndNetBufferList(
        PoolHandle: NDIS_HANDLE,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
        MdlChain: PMDL,
        DataOffset: ULONG,
        DataLength: SIZE_T,
    ) -> PNET_BUFFER_LIST;
    /// `NdisAllocateNetBufferMdlAndData`.
    pub fn NdisAllocateNetBufferMdlAndData(PoolHandle: NDIS_HANDLE) -> PNET_BUFFER;
    /// `NdisAllocateCloneNetBufferList`.
    pub fn NdisAllocateCloneNetBufferList(
        OriginalNetBufferList: PNET_BUFFER_LIST,
        NetBufferListPoolHandle: NDIS_HANDLE,
        NetBufferPoolHandle: NDIS_HANDLE,
        AllocateCloneFlags: ULONG,
    ) -> PNET_BUFFER_LIST;
    /// `NdisFreeCloneNetBufferList`.
    pub fn NdisFreeCloneNetBufferList(CloneNetBufferList: PNET_BUFFER_LIST, FreeCloneFlags: ULONG);
    /// `NdisAllocateFragmentNetBufferList`.
    pub fn NdisAllocateFragmentNetBufferList(
        OriginalNetBufferList: PNET_BUFFER_LIST,
        NetBufferListPool: NDIS_HANDLE,
        NetBufferPool: NDIS_HANDLE,
        StartOffset: ULONG,
        MaximumLength: ULONG,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateFragmentFlags: ULONG,
    ) -> PNET_BUFFER_LIST;
    /// `NdisFreeFragmentNetBufferList`.
    pub fn NdisFreeFragmentNetBufferList(
        FragmentNetBufferList: PNET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        FreeFragmentFlags: ULONG,
    );
    /// `NdisAllocateReassembledNetBufferList`.
    pub fn NdisAllocateReassembledNetBufferList(
        FragmentNetBufferList: PNET_BUFFER_LIST,
        NetBufferAndNetBufferListPoolHandle: NDIS_HANDLE,
        StartOffset: ULONG,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateReassembleFlags: ULONG,
    ) -> PNET_BUFFER_LIST;
    /// `NdisFreeReassembledNetBufferList`.
    pub fn NdisFreeReassembledNetBufferList(
        ReassembledNetBufferList: PNET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        FreeReassembleFlags: ULONG,
    );
    /// `NdisAllocateNetBufferListContext`.
    #[must_use]
    pub fn NdisAllocateNetBufferListContext(
        NetBufferList: PNET_BUFFER_LIST,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
        PoolTag: ULONG,
    ) -> NDIS_STATUS;
    /// `NdisFreeNetBufferListContext`.
    pub fn NdisFreeNetBufferListContext(NetBufferList: PNET_BUFFER_LIST, ContextSize: USHORT);
    /// `NdisGetPoolFromNetBufferList`.
    pub fn NdisGetPoolFromNetBufferList(NetBufferList: PNET_BUFFER_LIST) -> NDIS_HANDLE;
    /// `NdisGetPoolFromNetBuffer`.
    pub fn NdisGetPoolFromNetBuffer(NetBuffer: PNET_BUFFER) -> NDIS_HANDLE;
    /// `NdisAdvanceNetBufferDataStart`.
    pub fn NdisAdvanceNetBufferDataStart(
        NetBuffer: *mut NET_BUFFER,
        DataOffsetDelta: ULONG,
        FreeMdl: BOOLEAN,
        FreeMdlHandler: NET_BUFFER_FREE_MDL,
    );
    /// `NdisRetreatNetBufferDataStart`.
    #[must_use]
    pub fn NdisRetreatNetBufferDataStart(
        NetBuffer: *mut NET_BUFFER,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateMdlHandler: NET_BUFFER_ALLOCATE_MDL,
    ) -> NDIS_STATUS;
    /// `NdisAdvanceNetBufferListDataStart`.
    pub fn NdisAdvanceNetBufferListDataStart(
        NetBufferList: *mut NET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        FreeMdl: BOOLEAN,
        FreeMdlMdlHandler: NET_BUFFER_FREE_MDL,
    );
    /// `NdisRetreatNetBufferListDataStart`.
    #[must_use]
    pub fn NdisRetreatNetBufferListDataStart(
        NetBufferList: *mut NET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateMdlHandler: NET_BUFFER_ALLOCATE_MDL,
        FreeMdlHandler: NET_BUFFER_FREE_MDL,
    ) -> NDIS_STATUS;
    /// `NdisAdjustNetBufferCurrentMdl`.
    pub fn NdisAdjustNetBufferCurrentMdl(NetBuffer: PNET_BUFFER);
    /// `NdisCopyFromNetBufferToNetBuffer`.
    #[must_use]
    pub fn NdisCopyFromNetBufferToNetBuffer(
        Destination: PNET_BUFFER,
        DestinationOffset: ULONG,
        BytesToCopy: ULONG,
        Source: PNET_BUFFER,
        SourceOffset: ULONG,
        BytesCopied: PULONG,
    ) -> NDIS_STATUS;
    /// `NdisCopySendNetBufferListInfo`.
    pub fn NdisCopySendNetBufferListInfo(
        DestNetBufferList: PNET_BUFFER_LIST,
        SrcNetBufferList: PNET_BUFFER_LIST,
    );
    /// `NdisCopyReceiveNetBufferListInfo`.
    pub fn NdisCopyReceiveNetBufferListInfo(
        DestNetBufferList: PNET_BUFFER_LIST,
        SrcNetBufferList: PNET_BUFFER_LIST,
    );
    /// `NdisAllocateMdl`.
    pub fn NdisAllocateMdl(NdisHandle: NDIS_HANDLE, VirtualAddress: PVOID, Length: ULONG) -> *mut MDL;
    /// `NdisFreeMdl`.
    pub fn NdisFreeMdl(Mdl: PMDL);
    /// `NdisQueryNetBufferPhysicalCount`.
    pub fn NdisQueryNetBufferPhysicalCount(NetBuffer: PNET_BUFFER) -> ULONG;
}
