//! Functions on net buffers, net buffer lists and their MDLs.
use super::*;

imports! {
    dll "NDIS.SYS";
    /// Creates a pool of net buffer lists.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBufferListPool(
        NdisHandle: NDIS_HANDLE,
        Parameters: PNET_BUFFER_LIST_POOL_PARAMETERS,
    ) -> NDIS_HANDLE;
    /// Frees a pool all of whose lists are freed.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeNetBufferListPool(PoolHandle: NDIS_HANDLE);
    /// Creates a pool of net buffers.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBufferPool(
        NdisHandle: NDIS_HANDLE,
        Parameters: PNET_BUFFER_POOL_PARAMETERS,
    ) -> NDIS_HANDLE;
    /// Frees a pool all of whose buffers are freed.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeNetBufferPool(PoolHandle: NDIS_HANDLE);
    /// Takes a net buffer over an MDL chain from a pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBuffer(
        PoolHandle: NDIS_HANDLE,
        MdlChain: PMDL,
        DataOffset: ULONG,
        DataLength: SIZE_T,
    ) -> PNET_BUFFER;
    /// Gives a net buffer back to its pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeNetBuffer(NetBuffer: PNET_BUFFER);
    /// Takes an empty net buffer list from a pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBufferList(
        PoolHandle: NDIS_HANDLE,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
    ) -> PNET_BUFFER_LIST;
    /// Gives a net buffer list back to its pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeNetBufferList(NetBufferList: PNET_BUFFER_LIST);
    /// Takes a list with one net buffer over an MDL chain from a pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBufferAndNetBufferList(
        PoolHandle: NDIS_HANDLE,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
        MdlChain: PMDL,
        DataOffset: ULONG,
        DataLength: SIZE_T,
    ) -> PNET_BUFFER_LIST;
    /// Takes a net buffer with an MDL and data from a pool.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateNetBufferMdlAndData(PoolHandle: NDIS_HANDLE) -> PNET_BUFFER;
    /// Clones a list; the clone shares the original's data.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateCloneNetBufferList(
        OriginalNetBufferList: PNET_BUFFER_LIST,
        NetBufferListPoolHandle: NDIS_HANDLE,
        NetBufferPoolHandle: NDIS_HANDLE,
        AllocateCloneFlags: ULONG,
    ) -> PNET_BUFFER_LIST;
    /// Frees a clone.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
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
    /// Reserves context space on a list.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisAllocateNetBufferListContext(
        NetBufferList: PNET_BUFFER_LIST,
        ContextSize: USHORT,
        ContextBackFill: USHORT,
        PoolTag: ULONG,
    ) -> NDIS_STATUS;
    /// Releases context space on a list.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeNetBufferListContext(NetBufferList: PNET_BUFFER_LIST, ContextSize: USHORT);
    /// `NdisGetPoolFromNetBufferList`.
    pub fn NdisGetPoolFromNetBufferList(NetBufferList: PNET_BUFFER_LIST) -> NDIS_HANDLE;
    /// `NdisGetPoolFromNetBuffer`.
    pub fn NdisGetPoolFromNetBuffer(NetBuffer: PNET_BUFFER) -> NDIS_HANDLE;
    /// Moves the start of the used data forward.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAdvanceNetBufferDataStart(
        NetBuffer: *mut NET_BUFFER,
        DataOffsetDelta: ULONG,
        FreeMdl: BOOLEAN,
        FreeMdlHandler: NET_BUFFER_FREE_MDL,
    );
    /// Moves the start of the used data backward, allocating if there is no room.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisRetreatNetBufferDataStart(
        NetBuffer: *mut NET_BUFFER,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateMdlHandler: NET_BUFFER_ALLOCATE_MDL,
    ) -> NDIS_STATUS;
    /// [`NdisAdvanceNetBufferDataStart`] for every net buffer of a list.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAdvanceNetBufferListDataStart(
        NetBufferList: *mut NET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        FreeMdl: BOOLEAN,
        FreeMdlMdlHandler: NET_BUFFER_FREE_MDL,
    );
    /// [`NdisRetreatNetBufferDataStart`] for every net buffer of a list.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisRetreatNetBufferListDataStart(
        NetBufferList: *mut NET_BUFFER_LIST,
        DataOffsetDelta: ULONG,
        DataBackFill: ULONG,
        AllocateMdlHandler: NET_BUFFER_ALLOCATE_MDL,
        FreeMdlHandler: NET_BUFFER_FREE_MDL,
    ) -> NDIS_STATUS;
    /// Recomputes `CurrentMdl` and `CurrentMdlOffset` from `DataOffset`.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAdjustNetBufferCurrentMdl(NetBuffer: PNET_BUFFER);
    /// Copies data between net buffers.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn NdisCopyFromNetBufferToNetBuffer(
        Destination: PNET_BUFFER,
        DestinationOffset: ULONG,
        BytesToCopy: ULONG,
        Source: PNET_BUFFER,
        SourceOffset: ULONG,
        BytesCopied: PULONG,
    ) -> NDIS_STATUS;
    /// Copies the out-of-band data of a send to a clone.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisCopySendNetBufferListInfo(
        DestNetBufferList: PNET_BUFFER_LIST,
        SrcNetBufferList: PNET_BUFFER_LIST,
    );
    /// Copies the out-of-band data of a receive to a clone.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisCopyReceiveNetBufferListInfo(
        DestNetBufferList: PNET_BUFFER_LIST,
        SrcNetBufferList: PNET_BUFFER_LIST,
    );
    /// Allocates an MDL over nonpaged memory.
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisAllocateMdl(NdisHandle: NDIS_HANDLE, VirtualAddress: PVOID, Length: ULONG) -> *mut MDL;
    /// Frees an MDL from [`NdisAllocateMdl`].
    ///
    /// IRQL: <= DISPATCH_LEVEL.
    pub fn NdisFreeMdl(Mdl: PMDL);
    /// `NdisQueryNetBufferPhysicalCount`.
    pub fn NdisQueryNetBufferPhysicalCount(NetBuffer: PNET_BUFFER) -> ULONG;
}
