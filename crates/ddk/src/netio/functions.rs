//! IP Helper functions and their callbacks (netioapi.h).
use super::*;

callback! {
    /// A route has changed; only the key fields of `Row` hold, and it is null for the first
    /// notification.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PIPFORWARD_CHANGE_CALLBACK = fn(
        CallerContext: PVOID,
        Row: PMIB_IPFORWARD_ROW2,
        NotificationType: MIB_NOTIFICATION_TYPE,
    );
    /// An IP interface has changed; only the key fields of `Row` hold, and it is null for the first
    /// notification.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PIPINTERFACE_CHANGE_CALLBACK = fn(
        CallerContext: PVOID,
        Row: PMIB_IPINTERFACE_ROW,
        NotificationType: MIB_NOTIFICATION_TYPE,
    );
    /// The table of addresses is stable; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PSTABLE_UNICAST_IPADDRESS_TABLE_CALLBACK = fn(
        CallerContext: PVOID,
        AddressTable: PMIB_UNICASTIPADDRESS_TABLE,
    );
    /// An address has changed; only the key fields of `Row` hold, and it is null for the first
    /// notification.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub type PUNICAST_IPADDRESS_CHANGE_CALLBACK = fn(
        CallerContext: PVOID,
        Row: PMIB_UNICASTIPADDRESS_ROW,
        NotificationType: MIB_NOTIFICATION_TYPE,
    );
}

imports! {
    dll "NETIO.SYS";
    /// Asks for a callback on changes of IP interfaces. It can run before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NotifyIpInterfaceChange(
        Family: ADDRESS_FAMILY,
        Callback: PIPINTERFACE_CHANGE_CALLBACK,
        CallerContext: PVOID,
        InitialNotification: BOOLEAN,
        NotificationHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Asks for a callback on changes of unicast addresses. It can run before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NotifyUnicastIpAddressChange(
        Family: ADDRESS_FAMILY,
        Callback: PUNICAST_IPADDRESS_CHANGE_CALLBACK,
        CallerContext: PVOID,
        InitialNotification: BOOLEAN,
        NotificationHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Asks for a callback on changes of routes. It can run before this returns.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NotifyRouteChange2(
        AddressFamily: ADDRESS_FAMILY,
        Callback: PIPFORWARD_CHANGE_CALLBACK,
        CallerContext: PVOID,
        InitialNotification: BOOLEAN,
        NotificationHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Gives the table of unicast addresses, at once or through the callback when none of them is
    /// tentative.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn NotifyStableUnicastIpAddressTable(
        Family: ADDRESS_FAMILY,
        Table: *mut PMIB_UNICASTIPADDRESS_TABLE,
        CallerCallback: PSTABLE_UNICAST_IPADDRESS_TABLE_CALLBACK,
        CallerContext: PVOID,
        NotificationHandle: *mut HANDLE,
    ) -> NTSTATUS;
    /// Ends a notification; waits for a callback that runs. Never from that callback.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn CancelMibChangeNotify2(NotificationHandle: HANDLE) -> NTSTATUS;
    /// Fills the row of the interface that its LUID or index names, with statistics, which are asked
    /// from the interface's drivers.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIfEntry2(Row: PMIB_IF_ROW2) -> NTSTATUS;
    /// Like [`GetIfEntry2`], with or without statistics.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIfEntry2Ex(Level: MIB_IF_ENTRY_LEVEL, Row: PMIB_IF_ROW2) -> NTSTATUS;
    /// All interfaces, with statistics; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIfTable2(Table: *mut PMIB_IF_TABLE2) -> NTSTATUS;
    /// Like [`GetIfTable2`], of a chosen kind.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIfTable2Ex(Level: MIB_IF_TABLE_LEVEL, Table: *mut PMIB_IF_TABLE2) -> NTSTATUS;
    /// Which interfaces lie on which; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIfStackTable(Table: *mut PMIB_IFSTACK_TABLE) -> NTSTATUS;
    /// Fills the row of an IP interface that its family and LUID or index name.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIpInterfaceEntry(Row: PMIB_IPINTERFACE_ROW) -> NTSTATUS;
    /// All IP interfaces; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIpInterfaceTable(Family: ADDRESS_FAMILY, Table: *mut PMIB_IPINTERFACE_TABLE) -> NTSTATUS;
    /// Sets a row to "leave as it is", before some of its fields are set.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn InitializeIpInterfaceEntry(Row: PMIB_IPINTERFACE_ROW);
    /// Fills the row of the address that it names.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetUnicastIpAddressEntry(Row: PMIB_UNICASTIPADDRESS_ROW) -> NTSTATUS;
    /// All unicast addresses; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetUnicastIpAddressTable(
        Family: ADDRESS_FAMILY,
        Table: *mut PMIB_UNICASTIPADDRESS_TABLE,
    ) -> NTSTATUS;
    /// Sets a row to the defaults of a new address.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn InitializeUnicastIpAddressEntry(Row: PMIB_UNICASTIPADDRESS_ROW);
    /// All routes; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIpForwardTable2(Family: ADDRESS_FAMILY, Table: *mut PMIB_IPFORWARD_TABLE2) -> NTSTATUS;
    /// The route and the source address for a destination.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetBestRoute2(
        InterfaceLuid: *mut NET_LUID,
        InterfaceIndex: NET_IFINDEX,
        SourceAddress: *const SOCKADDR_INET,
        DestinationAddress: *const SOCKADDR_INET,
        AddressSortOptions: ULONG,
        BestRoute: PMIB_IPFORWARD_ROW2,
        BestSourceAddress: *mut SOCKADDR_INET,
    ) -> NTSTATUS;
    /// All neighbours; freed with [`FreeMibTable`].
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn GetIpNetTable2(Family: ADDRESS_FAMILY, Table: *mut PMIB_IPNET_TABLE2) -> NTSTATUS;
    /// Frees a table that a function of IP Helper made.
    ///
    /// IRQL: PASSIVE_LEVEL.
    pub fn FreeMibTable(Memory: PVOID);
    /// LUID of an interface by index.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceIndexToLuid(InterfaceIndex: NET_IFINDEX, InterfaceLuid: PNET_LUID) -> NTSTATUS;
    /// Index of an interface by LUID.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceLuidToIndex(
        InterfaceLuid: *const NET_LUID,
        InterfaceIndex: PNET_IFINDEX,
    ) -> NTSTATUS;
    /// GUID of an interface by LUID.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceLuidToGuid(InterfaceLuid: *const NET_LUID, InterfaceGuid: *mut GUID) -> NTSTATUS;
    /// LUID of an interface by GUID.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceGuidToLuid(InterfaceGuid: *const GUID, InterfaceLuid: PNET_LUID) -> NTSTATUS;
    /// Name in the connections folder by LUID; `Length` is in characters.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceLuidToAlias(
        InterfaceLuid: *const NET_LUID,
        InterfaceAlias: PWSTR,
        Length: SIZE_T,
    ) -> NTSTATUS;
    /// LUID of an interface by its name in the connections folder.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceAliasToLuid(InterfaceAlias: *const WCHAR, InterfaceLuid: PNET_LUID) -> NTSTATUS;
    /// Name such as `ethernet_32768` by LUID; `Length` is in characters.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceLuidToNameW(
        InterfaceLuid: *const NET_LUID,
        InterfaceName: PWSTR,
        Length: SIZE_T,
    ) -> NTSTATUS;
    /// LUID of an interface by a name such as `ethernet_32768`.
    ///
    /// IRQL: PASSIVE_LEVEL.
    #[must_use]
    pub fn ConvertInterfaceNameToLuidW(
        InterfaceName: *const WCHAR,
        InterfaceLuid: *mut NET_LUID,
    ) -> NTSTATUS;
}
