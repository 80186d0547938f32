//! Machine code, arena, threads: the only room with unsafe code.
