//===- Cost.cpp - What an operation costs ---------------------------------------===//

#include "passes/fuse/Cost.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

int64_t getFlopWeight(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case<BroadcastOp, ConstantOp, DimOp, EveryOp, GatherOp, IfOp, IotaOp, LoopOp, ReshapeOp, StopOp, TransposeOp, YieldOp>([](auto) { return 0; })
      .Case<DivOp, IntDivOp, IntPowOp, ModOp, SqrtOp>([](auto) { return 4; })
      .Case<CosOp, ErfOp, ExpOp, Exp2Op, Expm1Op, LogOp, Log1pOp, SigmoidOp, SinOp, SoftplusOp, TanOp, TanhOp>([](auto) { return 16; })
      .Case<EncodeOp>([](auto) { return 24; })
      .Case([](DrawOp draw) { return draw.getDistribution() == DrawKind::Bits ? 4 : 24; }) // its share of a block of random bits, and a polynomial
      .Case<AcosOp, AcoshOp, AsinOp, AsinhOp, Atan2Op, AtanOp, AtanhOp, CbrtOp, CoshOp, ErfcOp, HypotOp, Log10Op, Log2Op, NormalCdfOp, PowOp,
            SinhOp>([](auto) { return 32; })
      .Case<DigammaOp, LambertWOp, LGammaOp, NormalQuantileOp, TrigammaOp>([](auto) { return 96; })
      .Case<StochasticCastOp>([](auto) { return 4; })
      .Case<FftOp>([](auto) { return 64; }) // for each element; it grows with the logarithm of the size
      .Case<ContractOp>([](auto) { return 2; }) // a product and a sum for each point of the contracted space
      .Case<SortOp>([](auto) { return 32; })
      .Case<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>([](auto) { return 32; }) // for each element; it grows with the size of the matrix
      .Case([](ScanOp scan) {
        int64_t sum = 0;
        for (Operation &inner : scan.getBody().front())
          sum += getFlopWeight(&inner);
        return sum;
      })
      .Default([](Operation *) { return 1; });
}

int64_t getElementBytes(ArrayType type) { return type.isBlocks() ? 1 : (type.getElementType().getIntOrFloatBitWidth() + 7) / 8; }

} // namespace gradus
