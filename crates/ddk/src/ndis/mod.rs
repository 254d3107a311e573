//! NDIS 6.x: filter drivers, net buffers, OIDs, status and PnP (ndis.h, ntddndis.h).
