//===- VectorMathSpecialCoefficients.h - Written by special_polynomials.py, do not edit -===//
//
// The number behind each polynomial is its weighted error after rounding of the coefficients.
//
//===----------------------------------------------------------------------------===//

#ifndef GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H
#define GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H

namespace gradus::coefficients {

/// pi as a pair.
inline constexpr double kPi[] = {0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53};

/// 1 / ln 2 as a pair.
inline constexpr double kLog2OfE[] = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};

/// 1 / ln 10 as a pair.
inline constexpr double kLog10OfE[] = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};

/// ln 2 as a pair.
inline constexpr double kLn2[] = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/// sqrt(1/2) as a pair.
inline constexpr double kSqrtHalf[] = {0x1.6a09e667f3bcdp-1, -0x1.bdd3413b26456p-55};

/// sqrt(2 pi).
inline constexpr double kSqrtTwoPi = 0x1.40d931ff62706p+1;

/// ln(2 pi) / 2 - 1/2.
inline constexpr double kHalfLogTwoPi = 0x1.acfe390c97d69p-2;

/// (atan(t) / t - 1) / z for z = t^2, |t| <= tan(pi / 8); 2^-58.2.
inline constexpr double kAtan[] = {
    -0x1.5555555555554p-2,
    0x1.999999999965ap-3,
    -0x1.2492492475d48p-3,
    0x1.c71c71b778686p-4,
    -0x1.745d14bfc3b25p-4,
    0x1.3b136eae02a19p-4,
    -0x1.110c79ced5f2cp-4,
    0x1.e172829acda3ap-5,
    -0x1.ab80a4b9cf6e7p-5,
    0x1.70f98f8fbc1e7p-5,
    -0x1.1253545e2b9b4p-5,
    0x1.f25532766a70fp-7,
};

/// m^(1/3) for sqrt(1/2) <= m <= sqrt 2; 2^-19.6.
inline constexpr double kCbrt[] = {
    0x1.afcf6ddd9f5e9p-2,
    0x1.0e5705de396dfp+0,
    -0x1.ac116906f1cb7p-1,
    0x1.059d63bab833dp-1,
    -0x1.6fbba5655bd1dp-3,
    0x1.b9a15bb832c81p-6,
};

/// 2^(1/3).
inline constexpr double kCbrtTwo = 0x1.428a2f98d728bp+0;

/// 2^(-1/3).
inline constexpr double kCbrtHalf = 0x1.965fea53d6e3dp-1;

/// (1 + 2 x) e^(x^2) erfc(x) in q = (x - 4) / (x + 4), 0.45 <= x <= 27.5; 2^-54.2.
inline constexpr double kErfcx[] = {
    0x1.3ba5916e9fd7fp+0,
    -0x1.1df1ad154a28ep-3,
    0x1.f7f5df66fd7acp-7,
    0x1.16ecefcfa5399p-4,
    -0x1.9ddb23c3e9054p-4,
    0x1.7fee004e124afp-4,
    -0x1.0fb06dfe4a101p-4,
    0x1.3079edf684266p-5,
    -0x1.09623884ed53cp-6,
    0x1.49c67285a765ep-8,
    -0x1.8d4a9a029e8dfp-11,
    -0x1.a1df24f5ff7dbp-13,
    0x1.3be03e2c329bbp-13,
    -0x1.995957dea1b9cp-16,
    -0x1.7884828537f67p-17,
    0x1.7f29e305cadc8p-18,
    0x1.3967fe93610cdp-22,
    -0x1.bb2be2fa2e20fp-21,
    0x1.4b2666ec84571p-24,
    0x1.da92c290024b2p-24,
    -0x1.528b8a1617d26p-26,
    -0x1.f7fb321aa12ffp-27,
    0x1.49e3b9d6c4a20p-29,
    0x1.9fe15518ddeacp-30,
};

/// the normal quantile of 1/2 + q, divided by q, in q^2 for |q| <= 0.42; 2^-25.6.
inline constexpr double kQuantileMiddle[] = {
    0x1.40d93198e9994p+1,
    0x1.500049c88ebf9p+1,
    0x1.703cb1778d054p+2,
    0x1.18a058b9e013ap+4,
    -0x1.82e9c8fe3daf6p+5,
    0x1.75b6c97ba2cb8p+11,
    -0x1.98ca2cc4e2a8ap+15,
    0x1.360b7b3be9b13p+19,
    -0x1.2afd13d4e922bp+22,
    0x1.6b2f3f3b100e2p+24,
    -0x1.f6fa0bcdec3bdp+25,
    0x1.35cc252eec65cp+26,
};

/// -quantile(e^(-s^2)) / s in 1 / s for 1.58 <= s <= 27.4; 2^-23.5.
inline constexpr double kQuantileTail[] = {
    0x1.6a131cde06dd3p+0,
    -0x1.670e2623fddeep-6,
    -0x1.8f7193a56c7d2p+1,
    0x1.8f56320d988bdp+3,
    -0x1.17bd5c610f8bbp+6,
    0x1.503a352221ea5p+8,
    -0x1.3412089846f7dp+10,
    0x1.9ec3642b4eeb2p+11,
    -0x1.90738d7669d8ep+12,
    0x1.0ca66a55640d1p+13,
    -0x1.da735d7e4740ap+12,
    0x1.ef0799416e466p+11,
    -0x1.cde0bedf0a2e8p+9,
};

/// ln gamma(1 + y) / (y (y - 1)) for 0 <= y <= 1; 2^-54.6.
inline constexpr double kLogGamma[] = {
    0x1.2788cfc6fb619p-1,
    -0x1.f6465978d46e4p-3,
    0x1.3e54520481b99p-3,
    -0x1.d7a3e6a8d5d3ep-4,
    0x1.79cf9c4820311p-4,
    -0x1.3cb1f970a252fp-4,
    0x1.115543cb33d50p-4,
    -0x1.e181bdbb09eaap-5,
    0x1.ae86210ab87e0p-5,
    -0x1.855ca069d2f24p-5,
    0x1.6310901e9eaf3p-5,
    -0x1.44fe847ea9520p-5,
    0x1.27e1b1491efa4p-5,
    -0x1.0762a00b708fbp-5,
    0x1.be52f7175539cp-6,
    -0x1.5ba1ef409ea09p-6,
    0x1.dec802a5fda7dp-7,
    -0x1.17dd6883a531ap-7,
    0x1.09e83beebad89p-8,
    -0x1.86128666107adp-10,
    0x1.9b50097bc9076p-12,
    -0x1.13fd8a3c229fdp-14,
    0x1.60c5c6b6e549bp-18,
};

/// the y with digamma(1 + y) = 0 as a pair.
inline constexpr double kDigammaRoot[] = {0x1.d8b618d5af8fep-2, -0x1.1e563779a1f5bp-56};

/// digamma(1 + y) / (y - kDigammaRoot) for 0 <= y <= 1; 2^-53.4.
inline constexpr double kDigamma[] = {
    0x1.4018e9a62525ep+0,
    -0x1.b59a5e3fc938cp-1,
    0x1.814385798663cp-1,
    -0x1.6dd847b907a58p-1,
    0x1.658fe6c8765c0p-1,
    -0x1.61c86849893e4p-1,
    0x1.5ffe979c60f9dp-1,
    -0x1.5f214d6629ef7p-1,
    0x1.5eb455af32733p-1,
    -0x1.5e799d06c8ff9p-1,
    0x1.5e4066c27d25fp-1,
    -0x1.5da6c1b0d386bp-1,
    0x1.5b9cc8c3d6a26p-1,
    -0x1.559d6c912d657p-1,
    0x1.471c9dde7632dp-1,
    -0x1.2a685df05d572p-1,
    0x1.f7e67d4cba220p-2,
    -0x1.7d43281b480fcp-2,
    0x1.f411019da0a58p-3,
    -0x1.12a32f7dfb663p-3,
    0x1.e667ec632d817p-5,
    -0x1.4b3144d1f4dcdp-6,
    0x1.43cb74fe87182p-8,
    -0x1.931a976ef28c8p-11,
    0x1.dec175ae685a7p-15,
};

/// w (ln gamma(w) - (w - 1/2) ln w + w - ln(2 pi) / 2) in 1 / w^2, w >= 8; 2^-63.5.
inline constexpr double kStirling[] = {
    0x1.5555555555555p-4,
    -0x1.6c16c16c10edep-9,
    0x1.a01a016060776p-11,
    -0x1.3813342731fdfp-11,
    0x1.b921be83b4372p-11,
    -0x1.ee82316c6057fp-10,
    0x1.46ddfc7b114c8p-8,
};

/// w^2 (ln w - 1 / (2 w) - digamma(w)) in 1 / w^2, w >= 8; 2^-62.8.
inline constexpr double kDigammaTail[] = {
    0x1.5555555555549p-4,
    -0x1.11111110e7e40p-7,
    0x1.0410404fd1dc1p-8,
    -0x1.1110554f60170p-8,
    0x1.f012bc4a9e2f1p-8,
    -0x1.51542f6c04f67p-6,
    0x1.f8198a453b574p-5,
};

/// w^2 (w trigamma(w) - 1 - 1 / (2 w)) in 1 / w^2, w >= 8; 2^-63.0.
inline constexpr double kTrigammaTail[] = {
    0x1.5555555555552p-3,
    -0x1.111111110aab9p-5,
    0x1.86186162144b6p-6,
    -0x1.1110f87680331p-5,
    0x1.364437e913809p-4,
    -0x1.02239aad444d8p-2,
    0x1.18c4311b1edb2p+0,
    -0x1.176615b355f32p+2,
};

/// sin(pi f) / (pi f) in f^2 for |f| <= 1/2; 2^-56.2.
inline constexpr double kSinPi[] = {
    0x1.0000000000000p+0,
    -0x1.a51a6625307d3p+0,
    0x1.9f9cb402bc46cp-1,
    -0x1.86a8e4720db24p-3,
    0x1.ac6805cf31ba7p-6,
    -0x1.33816aa2dcbd3p-9,
    0x1.374719223252ap-13,
    -0x1.d42402c7b476cp-18,
    0x1.0faa11fefa3adp-22,
    -0x1.e7451a25abdbcp-28,
};

/// cos(pi f) in f^2 for |f| <= 1/2; 2^-53.2.
inline constexpr double kCosPi[] = {
    0x1.0000000000000p+0,
    -0x1.3bd3cc9be45dep+2,
    0x1.03c1f081b5ac4p+2,
    -0x1.55d3c7e3cbffap+0,
    0x1.e1f506891ba5cp-3,
    -0x1.a6d1f2a2012e2p-6,
    0x1.f9d38a34dbdc9p-10,
    -0x1.b6e24e15e5dabp-14,
    0x1.20c5d13f83163p-18,
    -0x1.29ea66d9a88cfp-23,
    0x1.e11333d85d31dp-29,
};

/// (W(x) + 1) / p for p = sqrt(2 (1 + e x)) <= 0.74; 2^-56.0.
inline constexpr double kLambert[] = {
    0x1.0000000000000p+0,
    -0x1.5555555555552p-2,
    0x1.38e38e38e34aap-3,
    -0x1.4629b7f0b570ep-4,
    0x1.6c901e4fbdf4bp-5,
    -0x1.a9bbca09f5729p-6,
    0x1.002c8ab61becap-6,
    -0x1.3b1f619bf00ebp-7,
    0x1.8a1f025737dd9p-8,
    -0x1.f317f40ab6073p-9,
    0x1.3e3ecd3edb1d6p-9,
    -0x1.93e1d238aeedbp-10,
    0x1.f072063c6b492p-11,
    -0x1.19242e1b8d88bp-11,
    0x1.105f329bd1572p-12,
    -0x1.9851a9c29cb06p-14,
    0x1.9883c45e49cc5p-16,
    -0x1.906cec84a8a59p-19,
};

/// e as a pair.
inline constexpr double kEuler[] = {0x1.5bf0a8b145769p+1, 0x1.4d57ee2b1013ap-53};

} // namespace gradus::coefficients

#endif // GRADUS_CODEGEN_CPU_VECTORMATHSPECIALCOEFFICIENTS_H
