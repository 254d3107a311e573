//! weir-ioctl
