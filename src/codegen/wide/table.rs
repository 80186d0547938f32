//! The instructions of each vector operation, by width and encoding.

use iced_x86::Code;

/// The width of a machine vector: 4, 8 or 16 lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    X,
    Y,
    Z,
}

impl Width {
    pub(super) fn lanes(self) -> u16 {
        4 << self as u16
    }
}

/// An operation: for AVX2 at two widths, for AVX-512 at three.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub avx2: [Code; 2],
    pub avx512: [Code; 3],
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident: $x:ident $y:ident | $ex:ident $ey:ident $ez:ident;)*) => {
        $($(#[$doc])* pub(super) const $name: Row = Row { avx2: [Code::$x, Code::$y], avx512: [Code::$ex, Code::$ey, Code::$ez] };)*
    };
}

// Written as the encoder's names spell them: operands, then what may come from memory.
rows! {
    ADD: VEX_Vaddps_xmm_xmm_xmmm128 VEX_Vaddps_ymm_ymm_ymmm256
        | EVEX_Vaddps_xmm_k1z_xmm_xmmm128b32 EVEX_Vaddps_ymm_k1z_ymm_ymmm256b32 EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er;
    SUB: VEX_Vsubps_xmm_xmm_xmmm128 VEX_Vsubps_ymm_ymm_ymmm256
        | EVEX_Vsubps_xmm_k1z_xmm_xmmm128b32 EVEX_Vsubps_ymm_k1z_ymm_ymmm256b32 EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er;
    MUL: VEX_Vmulps_xmm_xmm_xmmm128 VEX_Vmulps_ymm_ymm_ymmm256
        | EVEX_Vmulps_xmm_k1z_xmm_xmmm128b32 EVEX_Vmulps_ymm_k1z_ymm_ymmm256b32 EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er;
    DIV: VEX_Vdivps_xmm_xmm_xmmm128 VEX_Vdivps_ymm_ymm_ymmm256
        | EVEX_Vdivps_xmm_k1z_xmm_xmmm128b32 EVEX_Vdivps_ymm_k1z_ymm_ymmm256b32 EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er;
    MAX: VEX_Vmaxps_xmm_xmm_xmmm128 VEX_Vmaxps_ymm_ymm_ymmm256
        | EVEX_Vmaxps_xmm_k1z_xmm_xmmm128b32 EVEX_Vmaxps_ymm_k1z_ymm_ymmm256b32 EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae;
    MIN: VEX_Vminps_xmm_xmm_xmmm128 VEX_Vminps_ymm_ymm_ymmm256
        | EVEX_Vminps_xmm_k1z_xmm_xmmm128b32 EVEX_Vminps_ymm_k1z_ymm_ymmm256b32 EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae;
    FMA132: VEX_Vfmadd132ps_xmm_xmm_xmmm128 VEX_Vfmadd132ps_ymm_ymm_ymmm256
        | EVEX_Vfmadd132ps_xmm_k1z_xmm_xmmm128b32 EVEX_Vfmadd132ps_ymm_k1z_ymm_ymmm256b32 EVEX_Vfmadd132ps_zmm_k1z_zmm_zmmm512b32_er;
    FMA213: VEX_Vfmadd213ps_xmm_xmm_xmmm128 VEX_Vfmadd213ps_ymm_ymm_ymmm256
        | EVEX_Vfmadd213ps_xmm_k1z_xmm_xmmm128b32 EVEX_Vfmadd213ps_ymm_k1z_ymm_ymmm256b32 EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er;
    FMA231: VEX_Vfmadd231ps_xmm_xmm_xmmm128 VEX_Vfmadd231ps_ymm_ymm_ymmm256
        | EVEX_Vfmadd231ps_xmm_k1z_xmm_xmmm128b32 EVEX_Vfmadd231ps_ymm_k1z_ymm_ymmm256b32 EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er;
    SQRT: VEX_Vsqrtps_xmm_xmmm128 VEX_Vsqrtps_ymm_ymmm256
        | EVEX_Vsqrtps_xmm_k1z_xmmm128b32 EVEX_Vsqrtps_ymm_k1z_ymmm256b32 EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er;
    ROUND: VEX_Vroundps_xmm_xmmm128_imm8 VEX_Vroundps_ymm_ymmm256_imm8
        | EVEX_Vrndscaleps_xmm_k1z_xmmm128b32_imm8 EVEX_Vrndscaleps_ymm_k1z_ymmm256b32_imm8 EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae;
    TO_INT: VEX_Vcvttps2dq_xmm_xmmm128 VEX_Vcvttps2dq_ymm_ymmm256
        | EVEX_Vcvttps2dq_xmm_k1z_xmmm128b32 EVEX_Vcvttps2dq_ymm_k1z_ymmm256b32 EVEX_Vcvttps2dq_zmm_k1z_zmmm512b32_sae;
    TO_FLOAT: VEX_Vcvtdq2ps_xmm_xmmm128 VEX_Vcvtdq2ps_ymm_ymmm256
        | EVEX_Vcvtdq2ps_xmm_k1z_xmmm128b32 EVEX_Vcvtdq2ps_ymm_k1z_ymmm256b32 EVEX_Vcvtdq2ps_zmm_k1z_zmmm512b32_er;
    ADD_INT: VEX_Vpaddd_xmm_xmm_xmmm128 VEX_Vpaddd_ymm_ymm_ymmm256
        | EVEX_Vpaddd_xmm_k1z_xmm_xmmm128b32 EVEX_Vpaddd_ymm_k1z_ymm_ymmm256b32 EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32;
    SUB_INT: VEX_Vpsubd_xmm_xmm_xmmm128 VEX_Vpsubd_ymm_ymm_ymmm256
        | EVEX_Vpsubd_xmm_k1z_xmm_xmmm128b32 EVEX_Vpsubd_ymm_k1z_ymm_ymmm256b32 EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32;
    MUL_INT: VEX_Vpmulld_xmm_xmm_xmmm128 VEX_Vpmulld_ymm_ymm_ymmm256
        | EVEX_Vpmulld_xmm_k1z_xmm_xmmm128b32 EVEX_Vpmulld_ymm_k1z_ymm_ymmm256b32 EVEX_Vpmulld_zmm_k1z_zmm_zmmm512b32;
    AND: VEX_Vpand_xmm_xmm_xmmm128 VEX_Vpand_ymm_ymm_ymmm256
        | EVEX_Vpandd_xmm_k1z_xmm_xmmm128b32 EVEX_Vpandd_ymm_k1z_ymm_ymmm256b32 EVEX_Vpandd_zmm_k1z_zmm_zmmm512b32;
    OR: VEX_Vpor_xmm_xmm_xmmm128 VEX_Vpor_ymm_ymm_ymmm256
        | EVEX_Vpord_xmm_k1z_xmm_xmmm128b32 EVEX_Vpord_ymm_k1z_ymm_ymmm256b32 EVEX_Vpord_zmm_k1z_zmm_zmmm512b32;
    XOR: VEX_Vpxor_xmm_xmm_xmmm128 VEX_Vpxor_ymm_ymm_ymmm256
        | EVEX_Vpxord_xmm_k1z_xmm_xmmm128b32 EVEX_Vpxord_ymm_k1z_ymm_ymmm256b32 EVEX_Vpxord_zmm_k1z_zmm_zmmm512b32;
    SHL: VEX_Vpsllvd_xmm_xmm_xmmm128 VEX_Vpsllvd_ymm_ymm_ymmm256
        | EVEX_Vpsllvd_xmm_k1z_xmm_xmmm128b32 EVEX_Vpsllvd_ymm_k1z_ymm_ymmm256b32 EVEX_Vpsllvd_zmm_k1z_zmm_zmmm512b32;
    SHR: VEX_Vpsravd_xmm_xmm_xmmm128 VEX_Vpsravd_ymm_ymm_ymmm256
        | EVEX_Vpsravd_xmm_k1z_xmm_xmmm128b32 EVEX_Vpsravd_ymm_k1z_ymm_ymmm256b32 EVEX_Vpsravd_zmm_k1z_zmm_zmmm512b32;
    /// AVX2: all bits of a lane; AVX-512: a mask register.
    COMPARE: VEX_Vcmpps_xmm_xmm_xmmm128_imm8 VEX_Vcmpps_ymm_ymm_ymmm256_imm8
        | EVEX_Vcmpps_kr_k1_xmm_xmmm128b32_imm8 EVEX_Vcmpps_kr_k1_ymm_ymmm256b32_imm8 EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae;
    /// AVX-512 takes the relation as a number; AVX2 has this one and the next.
    COMPARE_INT: VEX_Vpcmpeqd_xmm_xmm_xmmm128 VEX_Vpcmpeqd_ymm_ymm_ymmm256
        | EVEX_Vpcmpd_kr_k1_xmm_xmmm128b32_imm8 EVEX_Vpcmpd_kr_k1_ymm_ymmm256b32_imm8 EVEX_Vpcmpd_kr_k1_zmm_zmmm512b32_imm8;
    GREATER_INT: VEX_Vpcmpgtd_xmm_xmm_xmmm128 VEX_Vpcmpgtd_ymm_ymm_ymmm256
        | EVEX_Vpcmpgtd_kr_k1_xmm_xmmm128b32 EVEX_Vpcmpgtd_kr_k1_ymm_ymmm256b32 EVEX_Vpcmpgtd_kr_k1_zmm_zmmm512b32;
    BLEND: VEX_Vblendvps_xmm_xmm_xmmm128_xmm VEX_Vblendvps_ymm_ymm_ymmm256_ymm
        | EVEX_Vblendmps_xmm_k1z_xmm_xmmm128b32 EVEX_Vblendmps_ymm_k1z_ymm_ymmm256b32 EVEX_Vblendmps_zmm_k1z_zmm_zmmm512b32;
    LOAD: VEX_Vmovups_xmm_xmmm128 VEX_Vmovups_ymm_ymmm256
        | EVEX_Vmovups_xmm_k1z_xmmm128 EVEX_Vmovups_ymm_k1z_ymmm256 EVEX_Vmovups_zmm_k1z_zmmm512;
    STORE: VEX_Vmovups_xmmm128_xmm VEX_Vmovups_ymmm256_ymm
        | EVEX_Vmovups_xmmm128_k1z_xmm EVEX_Vmovups_ymmm256_k1z_ymm EVEX_Vmovups_zmmm512_k1z_zmm;
    COPY: VEX_Vmovaps_xmm_xmmm128 VEX_Vmovaps_ymm_ymmm256
        | EVEX_Vmovaps_xmm_k1z_xmmm128 EVEX_Vmovaps_ymm_k1z_ymmm256 EVEX_Vmovaps_zmm_k1z_zmmm512;
    /// One lane in memory into all.
    BROADCAST: VEX_Vbroadcastss_xmm_m32 VEX_Vbroadcastss_ymm_m32
        | EVEX_Vbroadcastss_xmm_k1z_xmmm32 EVEX_Vbroadcastss_ymm_k1z_xmmm32 EVEX_Vbroadcastss_zmm_k1z_xmmm32;
    /// The first lane of a register into all.
    SPREAD: VEX_Vbroadcastss_xmm_xmm VEX_Vbroadcastss_ymm_xmm
        | EVEX_Vbroadcastss_xmm_k1z_xmmm32 EVEX_Vbroadcastss_ymm_k1z_xmmm32 EVEX_Vbroadcastss_zmm_k1z_xmmm32;
    /// AVX2 alone: lanes whose mask's sign is clear are 0, and not read.
    MASKED_LOAD: VEX_Vmaskmovps_xmm_xmm_m128 VEX_Vmaskmovps_ymm_ymm_m256 | INVALID INVALID INVALID;
    MASKED_STORE: VEX_Vmaskmovps_m128_xmm_xmm VEX_Vmaskmovps_m256_ymm_ymm | INVALID INVALID INVALID;
}

/// Operations on 128 bits or one lane.
#[derive(Clone, Copy)]
pub(super) struct Narrow {
    pub avx2: Code,
    pub avx512: Code,
}

macro_rules! narrow {
    ($($(#[$doc:meta])* $name:ident: $avx2:ident | $avx512:ident;)*) => {
        $($(#[$doc])* pub(super) const $name: Narrow = Narrow { avx2: Code::$avx2, avx512: Code::$avx512 };)*
    };
}

narrow! {
    LOAD_ONE: VEX_Vmovss_xmm_m32 | EVEX_Vmovss_xmm_k1z_m32;
    STORE_ONE: VEX_Vmovss_m32_xmm | EVEX_Vmovss_m32_k1_xmm;
    INSERT_ONE: VEX_Vinsertps_xmm_xmm_xmmm32_imm8 | EVEX_Vinsertps_xmm_xmm_xmmm32_imm8;
    EXTRACT_ONE: VEX_Vextractps_rm32_xmm_imm8 | EVEX_Vextractps_rm32_xmm_imm8;
    FROM_GENERAL: VEX_Vmovd_xmm_rm32 | EVEX_Vmovd_xmm_rm32;
    TO_GENERAL: VEX_Vmovd_rm32_xmm | EVEX_Vmovd_rm32_xmm;
    HIGH_TO_LOW: VEX_Vmovhlps_xmm_xmm_xmm | EVEX_Vmovhlps_xmm_xmm_xmm;
    ODD: VEX_Vmovshdup_xmm_xmmm128 | EVEX_Vmovshdup_xmm_k1z_xmmm128;
    /// A quarter of a wide vector.
    EXTRACT_Y: VEX_Vextractf128_xmmm128_ymm_imm8 | EVEX_Vextractf32x4_xmmm128_k1z_ymm_imm8;
    EXTRACT_Z: INVALID | EVEX_Vextractf32x4_xmmm128_k1z_zmm_imm8;
    INSERT_Y: VEX_Vinsertf128_ymm_ymm_xmmm128_imm8 | EVEX_Vinsertf32x4_ymm_k1z_ymm_xmmm128_imm8;
    INSERT_Z: INVALID | EVEX_Vinsertf32x4_zmm_k1z_zmm_xmmm128_imm8;
    HALF_Z: INVALID | EVEX_Vextractf64x4_ymmm256_k1z_zmm_imm8;
}
