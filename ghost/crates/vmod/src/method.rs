//! The subroutines of VCL, as `vrt_ctx.method` names them (Varnish's generated vcl.h, which varnish-sys does not
//! bind; the strict ABI of the VMOD fixes them).

pub const RECV: u32 = 1 << 1;
pub const PIPE: u32 = 1 << 2;
pub const PASS: u32 = 1 << 3;
pub const HASH: u32 = 1 << 4;
pub const MISS: u32 = 1 << 6;
pub const DELIVER: u32 = 1 << 8;
pub const SYNTH: u32 = 1 << 9;
pub const BACKEND_RESPONSE: u32 = 1 << 11;
pub const BACKEND_ERROR: u32 = 1 << 12;
