//===- VectorMathCoefficients.h - Written by polynomials.py, do not edit ------------===//
//
// The number behind each polynomial is its weighted error after rounding of the coefficients.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H
#define GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H

namespace gradus::coefficients {

/// ln 2; n times the first is exact for |n| < 2^9.
inline constexpr double kLn2F32[] = {0x1.62e4000000000p-1, 0x1.7f7d1c0000000p-20};

/// ln 2; n times the first is exact for |n| < 2^12.
inline constexpr double kLn2F64[] = {0x1.62e42fefa4000p-1, -0x1.8432a1b0e2634p-43};

/// ln 2 to 147 bits; n times each of the first two is exact for |n| < 2^12.
inline constexpr double kLn2Triple[] = {0x1.62e42fefa4000p-1, -0x1.8432a1b0e2000p-43, -0x1.8cff81a12a17ep-85};

/// pi / 2 to 159 bits.
inline constexpr double kHalfPi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};

/// 2 / pi.
inline constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;

/// The angle is multiplied by it before the pieces of kTwoOverPiDouble are.
inline constexpr double kPieceScale = 0x1.0000000000000p-600;

/// 2 / pi in pieces of 24 bits: times a single-precision number exact in double.
inline constexpr double kTwoOverPiSingle[] = {
    0x1.45f3060000000p-1,
    0x1.b939100000000p-26,
    0x1.529fc20000000p-52,
    0x1.d5f47c0000000p-78,
    0x1.4d37700000000p-102,
    0x1.b6c52a0000000p-129,
    0x1.3278860000000p-153,
    0x1.2083fc0000000p-177,
    0x1.458eae0000000p-202,
};

/// 2 / pi in pieces of 53 bits, divided by kPieceScale.
inline constexpr double kTwoOverPiDouble[] = {
    0x1.45f306dc9c882p+599,
    0x1.4a7f09d5f47d4p+546,
    0x1.a6ee06db14accp+493,
    0x1.3c439041fe516p+440,
    0x1.d5ef5de2b0db9p+385,
    0x1.1b8e909374b80p+330,
    0x1.924bba8274648p+274,
    0x1.cfe1deb1cb129p+220,
    0x1.4e7dd1046bea5p+167,
    0x1.aed1213a671c0p+114,
    0x1.35a2fbf209cc8p+61,
    0x1.d639835339f49p+8,
    0x1.908bf177bf250p-45,
    0x1.d8ffc4bffef02p-99,
    0x1.980fef2f118b5p-152,
    0x1.414da3eda6cfdp-205,
    0x1.3c9f2c26dd3d1p-258,
    0x1.1fb34f2ff516bp-311,
    0x1.527bac7ebe5f1p-364,
    0x1.ecf41ce7de294p-418,
    0x1.497535fdafd88p-471,
    0x1.f8d5d08560330p-524,
};

/// 1 / 3 as a pair.
inline constexpr double kThird[] = {0x1.5555555555555p-2, 0x1.5555555555555p-56};

/// 1 / 5 as a pair.
inline constexpr double kFifth[] = {0x1.999999999999ap-3, -0x1.999999999999ap-57};

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; 2^-28.7.
inline constexpr double kExpF32[] = {
    0x1.0000000000000p-1,
    0x1.5555560000000p-3,
    0x1.5554ae0000000p-5,
    0x1.1110900000000p-7,
    0x1.6d74860000000p-10,
    0x1.a1a1640000000p-13,
};

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2; 2^-60.6.
inline constexpr double kExpF64[] = {
    0x1.0000000000000p-1,
    0x1.5555555555559p-3,
    0x1.555555555555ap-5,
    0x1.111111110f6aep-7,
    0x1.6c16c16c1445bp-10,
    0x1.a01a01afe5372p-13,
    0x1.a01a01b0b3b40p-16,
    0x1.71ddf853781efp-19,
    0x1.27e4c5a83a6aep-22,
    0x1.af5ebf4568601p-26,
    0x1.1f95579faa9f7p-29,
};

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, weighted by r^2 / e^r; 2^-28.0.
inline constexpr double kExpPlainF32[] = {
    0x1.fffffc0000000p-2,
    0x1.5554920000000p-3,
    0x1.5558f20000000p-5,
    0x1.1239e20000000p-7,
    0x1.6a24340000000p-10,
};

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, weighted by r^2 / e^r; 2^-56.4.
inline constexpr double kExpPlainF64[] = {
    0x1.000000000000ap-1,
    0x1.55555555554fap-3,
    0x1.555555555087cp-5,
    0x1.1111111127be8p-7,
    0x1.6c16c1842a146p-10,
    0x1.a01a012a56c0fp-13,
    0x1.a0199a0c6368fp-16,
    0x1.71df255496407p-19,
    0x1.28ad72ce28903p-22,
    0x1.ad7f6b01c89e1p-26,
};

/// (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2, for results in single precision; 2^-32.0.
inline constexpr double kExpShort[] = {
    0x1.00000027de75cp-1,
    0x1.555555890375dp-3,
    0x1.5554add405b21p-5,
    0x1.11108f9bc4714p-7,
    0x1.6d7485d629b6ep-10,
    0x1.a1a163655aae0p-13,
};

/// (2 atanh(s) / s - 2) / z for z = s^2, |s| <= 3 - sqrt 8; 2^-29.1.
inline constexpr double kLogF32[] = {
    0x1.55557a0000000p-1,
    0x1.995eb60000000p-2,
    0x1.31e34c0000000p-2,
};

/// (2 atanh(s) / s - 2) / z for z = s^2, |s| <= 3 - sqrt 8; 2^-58.0.
inline constexpr double kLogF64[] = {
    0x1.5555555555592p-1,
    0x1.999999997fd77p-2,
    0x1.24924941f4fa4p-2,
    0x1.c71c5206095a3p-3,
    0x1.74663fa1cf2e5p-3,
    0x1.39a1a70108408p-3,
    0x1.2f06341a5ce3ap-3,
};

/// (2 atanh(s) / s - 2) / z for z = s^2, for results in single precision; 2^-43.9.
inline constexpr double kLogShort[] = {
    0x1.555555561e46fp-1,
    0x1.999996a940a95p-2,
    0x1.249411f20bb49p-2,
    0x1.c62b136fb0bfdp-3,
    0x1.91159f91b199cp-3,
};

/// (atanh(s) / s - 1 - z / 3 - z^2 / 5) / z^3 for z = s^2; 2^-73.6.
inline constexpr double kLogTail[] = {
    0x1.2492492492489p-3,
    0x1.c71c71c71f29dp-4,
    0x1.745d1743455e9p-4,
    0x1.3b13b28277bb4p-4,
    0x1.1110afba17579p-4,
    0x1.e2053ae065cf8p-5,
    0x1.ab50f31bf58a2p-5,
    0x1.c06aa4970f977p-5,
};

/// (sin r - r) / r^3 in z = r^2, |r| <= 1.05 pi / 4; 2^-57.3.
inline constexpr double kSinF64[] = {
    -0x1.5555555555555p-3,
    0x1.1111111111106p-7,
    -0x1.a01a01a017d9cp-13,
    0x1.71de3a522de4ap-19,
    -0x1.ae64514630e40p-26,
    0x1.611fc1dbfb5ebp-33,
    -0x1.aa40e7d37932ap-41,
};

/// (cos r - 1 + z / 2) / z^2 in z = r^2; 2^-59.7.
inline constexpr double kCosF64[] = {
    0x1.5555555555555p-5,
    -0x1.6c16c16c16c0bp-10,
    0x1.a01a01a018285p-16,
    -0x1.27e4fb7540fb9p-22,
    0x1.1eed8bd74071fp-29,
    -0x1.939258d432f51p-37,
    0x1.aa64943b18483p-45,
};

/// (sin r - r) / r^3 in z = r^2, for results in single precision; 2^-36.9.
inline constexpr double kSinShort[] = {
    -0x1.55555548a2da9p-3,
    0x1.111105b7e92c3p-7,
    -0x1.a00d63fb8a25fp-13,
    0x1.6c55a1f51316ep-19,
};

/// (cos r - 1 + z / 2) / z^2 in z = r^2, for results in single precision; 2^-42.4.
inline constexpr double kCosShort[] = {
    0x1.5555554c70c7dp-5,
    -0x1.6c16b59c33c53p-10,
    0x1.a00f3910df50cp-16,
    -0x1.23c9cb10553d6p-22,
};

/// erf(x) / x - 1 in z = x^2, |x| <= 1; 2^-27.1.
inline constexpr double kErfNearF32[] = {
    0x1.06eba80000000p-3,
    -0x1.8127460000000p-2,
    0x1.ce2f0a0000000p-4,
    -0x1.b829d80000000p-6,
    0x1.562b1a0000000p-8,
    -0x1.bcd7e00000000p-11,
    0x1.d8b8900000000p-14,
    -0x1.44cfc60000000p-17,
};

/// erf(x) / x - 1 in z = x^2, |x| <= 1; 2^-56.2.
inline constexpr double kErfNearF64[] = {
    0x1.06eba8214db69p-3,
    -0x1.812746b0379e7p-2,
    0x1.ce2f21a042bdep-4,
    -0x1.b82ce312889c2p-6,
    0x1.565bcd0e65193p-8,
    -0x1.c02db3fef018ep-11,
    0x1.f9a326c2d8ff6p-14,
    -0x1.f4d2562a113d0p-17,
    0x1.b9e6518de3d49p-20,
    -0x1.5f6d9cbd92758p-23,
    0x1.fc43f0356f1a3p-27,
    -0x1.4e635aa81aa9fp-30,
    0x1.7f171d0c7b02bp-34,
    -0x1.29e146846126fp-38,
};

/// ln(erfc(1 + t)) for 0 <= t <= 3, weighted by erfc; 2^-26.9.
inline constexpr double kErfFarF32[] = {
    -0x1.d97fc00000000p+0,
    -0x1.51c9b00000000p+1,
    -0x1.afabbc0000000p-1,
    -0x1.547cf00000000p-5,
    0x1.4933c00000000p-7,
    -0x1.07b6620000000p-9,
    0x1.2f978a0000000p-12,
    -0x1.6bd7da0000000p-16,
};

/// ln(erfc(1 + t)) for 0 <= t <= 5, weighted by erfc; 2^-58.8.
inline constexpr double kErfFarF64[] = {
    -0x1.d97fbf27aa2a1p+0,
    -0x1.51c9b0006c23cp+1,
    -0x1.afabc11a29042p-1,
    -0x1.5477f09c8e7eap-5,
    0x1.48c9d40674f28p-7,
    -0x1.033f68e358fb8p-9,
    0x1.f1b48279159f7p-13,
    0x1.b8c4a6b0f3e25p-16,
    -0x1.c769c1aa7268bp-16,
    0x1.41950854a2a87p-17,
    -0x1.101cf2b7ae9c2p-19,
    0x1.de443649b2e4dp-24,
    0x1.0345a73c23b7ep-23,
    -0x1.16bdb3d609402p-24,
    0x1.5bce0584df607p-26,
    -0x1.3466de92cfa08p-28,
    0x1.8bb22b8bf31fdp-31,
    -0x1.5f8b69871f05fp-34,
    0x1.838dba7523356p-38,
    -0x1.8ef0c4ee44bedp-43,
};

} // namespace gradus::coefficients

#endif // GRADUS_CODEGEN_CPU_VECTORMATHCOEFFICIENTS_H
