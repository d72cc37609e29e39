//===- EvaluatorControl.cpp - Regions: derivatives, loops, phases, claims ------===//

#include "codegen/reference/EvaluatorJvp.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

template <typename S>
const Array<S> &Frame<S>::get(Value value, unsigned slot) {
  std::unique_ptr<Array<S>> &entry = values[slot][value];
  if constexpr (Math<S>::order > 0) {
    if (!entry) { // read from outside the region of a gradus.grad: a constant for its derivative
      const auto &outer = below->get(value, slot);
      entry = std::make_unique<Array<S>>(Array<S>{outer.kind, outer.shape, {}, outer.ints});
      for (const auto &element : outer.reals)
        entry->reals.push_back(S(element));
    }
  }
  return *entry;
}

template <typename S>
LogicalResult Frame<S>::runBlock(Block &block, Slots slots) {
  for (Operation &op : block.without_terminator())
    if (failed(runOp(&op, slots)))
      return failure();
  return success();
}

template <typename S>
LogicalResult Frame<S>::runOp(Operation *op, Slots slots) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .template Case<AllReduceOp>([&](auto o) { return runAllReduce(o, slots); })
      .template Case<CustomOp>([&](auto o) { return runCustom(o, slots); })
      .template Case<FftOp>([&](auto o) { return runFft(o, slots); })
      .template Case<GradOp>([&](auto o) { return runGrad(o, slots); })
      .template Case<JvpOp>([&](auto o) { return runJvp<S>(o, session, *this, slots); })
      .template Case<KernelOp>([&](auto o) { return runKernel(o, slots); })
      .template Case<PhaseOp>([&](auto o) { return runBody(o, slots); })
      .template Case<CumulateOp, ScanOp, SortOp>([&](auto) { return runOrder(op, slots); })
      .template Case<CholeskyOp, EighOp, LogDetOp, QrOp, SolveOp, SvdOp>([&](auto) { return runMatrix(op, slots); })
      .template Case<IfOp>([&](auto o) { return runIf(o, slots); })
      .template Case<LoopOp>([&](auto o) { return runLoop(o, slots); })
      .template Case<EveryOp>([&](auto o) { return runEvery(o, slots); })
      .template Case<OracleOp>([&](auto o) {
        return session.fail(op, "the objective '" + o.getName() + "' is not bound to a loss, so it has no value here");
      })
      .Default([&](Operation *) {
        for (unsigned slot : slots) {
          Array<S> y;
          if (auto expect = dyn_cast<ExpectOp>(op))
            runExpect(expect, slot);
          else if (auto near = dyn_cast<ExpectNearOp>(op))
            runExpectNear(near, slot);
          else if (failed(evaluate(op, slot, y)))
            return failure();
          else
            set(op->getResult(0), slot, std::move(y));
        }
        return success();
      });
}

template <typename S>
LogicalResult Frame<S>::evaluate(Operation *op, unsigned slot, Array<S> &y) {
  if (evaluatePointwise(op, slot, y))
    return success();
  if (auto drawing = dyn_cast<DrawOp>(op))
    return draw(drawing, slot, y);
  if (auto encoding = dyn_cast<EncodeOp>(op)) {
    encode(encoding, slot, y);
    return success();
  }
  if (auto rounding = dyn_cast<StochasticCastOp>(op)) {
    castStochastically(rounding, slot, y);
    return success();
  }
  if (isa<ReduceOp, LogSumExpOp, NormOp, ArgReduceOp, ContractOp>(op))
    return evaluateReduction(op, slot, y);
  return evaluateShape(op, slot, y);
}

//===----------------------------------------------------------------------===//
// Collections, kernels, control
//===----------------------------------------------------------------------===//

template <typename S>
LogicalResult Frame<S>::runAllReduce(AllReduceOp op, Slots slots) {
  if (slots.size() != values.size())
    return session.fail(op, "not every tensor of the collection gets here, so there is nothing to reduce");
  if (slots.empty())
    return success();
  Array<S> all = get(op.getX(), slots.front());
  for (unsigned slot : slots.drop_front()) {
    const Array<S> &x = get(op.getX(), slot);
    llvm::append_range(all.reals, x.reals);
    llvm::append_range(all.ints, x.ints);
  }
  const Array<S> &first = get(op.getX(), slots.front());
  std::vector<int64_t> groups;
  for (size_t k = 0; k < slots.size(); ++k)
    llvm::append_range(groups, llvm::seq<int64_t>(0, first.size()));
  Array<S> y = reduceGroups(op.getKind(), all, groups, first.shape);
  for (unsigned slot : slots)
    set(op.getY(), slot, y);
  return success();
}

/// Runs the body of an op once; what it yields are the op's results.
template <typename S>
LogicalResult Frame<S>::runBody(Operation *op, Slots slots) {
  Block &body = op->getRegion(0).front();
  if (failed(runBlock(body, slots)))
    return failure();
  for (unsigned slot : slots)
    for (auto [result, yielded] : llvm::zip(op->getResults(), body.getTerminator()->getOperands()))
      set(result, slot, get(yielded, slot));
  return success();
}

/// The body says for whole arrays what the kernel does for each point.
template <typename S>
LogicalResult Frame<S>::runKernel(KernelOp op, Slots slots) {
  for (unsigned slot : slots)
    for (auto [argument, operand] : llvm::zip(op.getBody().getArguments(), op.getOperands()))
      set(argument, slot, get(operand, slot));
  return runBody(op, slots);
}

/// Each slot runs the region that its condition chooses; the other one may hold what would fail.
template <typename S>
LogicalResult Frame<S>::runIf(IfOp op, Slots slots) {
  SmallVector<unsigned> chosen[2];
  for (unsigned slot : slots)
    chosen[get(op.getCondition(), slot).ints[0] ? 0 : 1].push_back(slot);
  for (unsigned k : {0, 1}) {
    Block &block = op->getRegion(k).front();
    if (chosen[k].empty())
      continue;
    if (failed(runBlock(block, chosen[k])))
      return failure();
    for (unsigned slot : chosen[k])
      for (auto [result, yielded] : llvm::zip(op.getResults(), block.getTerminator()->getOperands()))
        set(result, slot, get(yielded, slot));
  }
  return success();
}

/// Leaves in `running` the slots that make pass number `pass`; the others keep `next` from then on.
template <typename S>
LogicalResult Frame<S>::askLoop(LoopOp op, int64_t pass, std::vector<Arrays<S>> &next, SmallVector<unsigned> &running) {
  llvm::erase_if(running, [&](unsigned slot) { return pass >= get(op.getCount(), slot).ints[0]; });
  auto enter = [&](Block &block) {
    for (unsigned slot : running) {
      set(block.getArgument(0), slot, Array<S>::scalarInt(pass));
      for (auto [argument, value] : llvm::zip(block.getArguments().drop_front(), next[slot]))
        set(argument, slot, value);
    }
  };
  if (!op.getProceed().empty() && !running.empty()) {
    Block &asked = op.getProceed().front();
    enter(asked);
    if (failed(runBlock(asked, running)))
      return failure();
    llvm::erase_if(running, [&](unsigned slot) { return !get(asked.getTerminator()->getOperand(0), slot).ints[0]; });
  }
  enter(op.getBody().front());
  return success();
}

/// A slot that stops drops out while the others go on.
template <typename S>
LogicalResult Frame<S>::runLoop(LoopOp op, Slots slots) {
  Block &body = op.getBody().front();
  SmallVector<unsigned> running(slots);
  std::vector<Arrays<S>> next(values.size());
  for (unsigned slot : slots)
    for (Value init : op.getInit())
      next[slot].push_back(get(init, slot));
  for (int64_t i = 0;; ++i) {
    if (failed(askLoop(op, i, next, running)))
      return failure();
    if (running.empty())
      break;
    if (failed(runBlock(body, running)))
      return failure();
    for (unsigned slot : running)
      for (auto [value, yielded] : llvm::zip(next[slot], body.getTerminator()->getOperands()))
        value = get(yielded, slot);
  }
  for (unsigned slot : slots)
    for (auto [result, value] : llvm::zip(op.getResults(), next[slot]))
      set(result, slot, std::move(value));
  return success();
}

template <typename S>
LogicalResult Frame<S>::runEvery(EveryOp op, Slots slots) {
  Block &body = op.getBody().front();
  SmallVector<unsigned> running;
  for (unsigned slot : slots) {
    // A period below 1 is one of 1.
    int64_t period = std::max<int64_t>(get(op.getPeriod(), slot).ints[0], 1), time = get(op.getTime(), slot).ints[0];
    if ((time - 1) % period == 0)
      running.push_back(slot);
  }
  if (!running.empty() && failed(runBlock(body, running)))
    return failure();
  for (unsigned slot : slots) {
    bool isRun = llvm::is_contained(running, slot);
    for (auto [result, kept, yielded] : llvm::zip(op.getResults(), op.getKept(), body.getTerminator()->getOperands()))
      set(result, slot, get(isRun ? yielded : kept, slot));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Claims
//===----------------------------------------------------------------------===//

template <typename S>
void Frame<S>::runExpect(ExpectOp op, unsigned slot) {
  if (!session.test)
    return;
  ++session.test->claims;
  const Array<S> &condition = get(op.getCondition(), slot);
  auto bad = llvm::find(condition.ints, 0);
  if (bad == condition.ints.end())
    return;
  size_t at = bad - condition.ints.begin();
  ClaimFailure failure{op.getText().str(), op.getLoc(), unflatten(at, condition.shape)};
  if (auto compare = op.getCondition().getDefiningOp<CompareOp>()) {
    auto number = [&](Value side) {
      const Array<S> &array = get(side, slot);
      return array.kind == Kind::Real ? static_cast<double>(Math<S>::lead(array.reals[at])) : static_cast<double>(array.ints[at]);
    };
    failure.hasValues = true;
    failure.a = number(compare.getA());
    failure.b = number(compare.getB());
  }
  session.test->failures.push_back(std::move(failure));
}

/// How far a claim |a - b| <= tolerance * max(1, |b|) is from holding: the excess, or infinity where NaN or one
/// infinity is involved; at most 0 if it holds.
static double excess(double a, double b, double tolerance) {
  if (a == b) // an infinity is near itself alone
    return 0;
  if (!std::isfinite(a) || !std::isfinite(b))
    return std::numeric_limits<double>::infinity();
  return std::fabs(a - b) - tolerance * std::fmax(1, std::fabs(b));
}

template <typename S>
void Frame<S>::runExpectNear(ExpectNearOp op, unsigned slot) {
  if (!session.test)
    return;
  ++session.test->claims;
  const Array<S> &a = get(op.getA(), slot), &b = get(op.getB(), slot);
  double tolerance = op.getTolerance().convertToDouble(), worst = 0;
  int64_t at = -1;
  for (size_t i = 0; i < a.reals.size(); ++i) {
    double over = excess(Math<S>::lead(a.reals[i]), Math<S>::lead(b.reals[i]), tolerance);
    if (over > worst) {
      worst = over;
      at = i;
    }
  }
  if (at >= 0)
    session.test->failures.push_back({op.getText().str(), op.getLoc(), unflatten(at, a.shape), true, true,
                                      static_cast<double>(Math<S>::lead(a.reals[at])),
                                      static_cast<double>(Math<S>::lead(b.reals[at])), tolerance});
}

#define INSTANTIATE(S)                                                                                                 \
  template const Array<S> &Frame<S>::get(Value, unsigned);                                                             \
  template LogicalResult Frame<S>::runBlock(Block &, Slots);                                                           \
  template LogicalResult Frame<S>::runOp(Operation *, Slots);                                                          \
  template LogicalResult Frame<S>::evaluate(Operation *, unsigned, Array<S> &);                                        \
  template LogicalResult Frame<S>::runAllReduce(AllReduceOp, Slots);                                                   \
  template LogicalResult Frame<S>::runBody(Operation *, Slots);                                                        \
  template LogicalResult Frame<S>::runKernel(KernelOp, Slots);                                                         \
  template LogicalResult Frame<S>::runIf(IfOp, Slots);                                                                 \
  template LogicalResult Frame<S>::runLoop(LoopOp, Slots);                                                             \
  template LogicalResult Frame<S>::askLoop(LoopOp, int64_t, std::vector<Arrays<S>> &, SmallVector<unsigned> &);        \
  template LogicalResult Frame<S>::runEvery(EveryOp, Slots);                                                           \
  template void Frame<S>::runExpect(ExpectOp, unsigned);                                                               \
  template void Frame<S>::runExpectNear(ExpectNearOp, unsigned);
GRADUS_FOR_EACH_SCALAR(INSTANTIATE)
