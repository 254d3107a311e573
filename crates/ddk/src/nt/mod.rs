//! NT: `wdk-sys` with the feature `wdk` on Windows, a stand-in of the same shape otherwise.
