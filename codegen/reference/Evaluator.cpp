//===- Evaluator.cpp - Entry points of the reference evaluator -----------------===//

#include "codegen/reference/Frame.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

/// Binds the sizes of every slot and gives the arguments their values.
template <typename S>
static LogicalResult enter(FuncOp func, ArrayRef<ArrayRef<Array<S>>> slots, Session &session, Frame<S> &frame) {
  for (auto [slot, args] : llvm::enumerate(slots)) {
    SmallVector<ArrayRef<int64_t>> shapes;
    SmallVector<Kind> kinds;
    for (auto [i, array] : llvm::enumerate(args)) {
      shapes.push_back(array.shape);
      kinds.push_back(array.kind);
      if (static_cast<int64_t>(array.kind == Kind::Real ? array.reals.size() : array.ints.size()) != array.size())
        return session.fail(func, "argument " + Twine(i) + " has not as many elements as its shape says");
    }
    if (failed(session.bind(func, slot, shapes, kinds)))
      return failure();
    for (auto [argument, array] : llvm::zip(func.getBody().front().getArguments(), args))
      frame.set(argument, slot, array);
  }
  return success();
}

static SmallVector<unsigned> allSlots(size_t count) { return llvm::to_vector(llvm::seq<unsigned>(0, count)); }

template <typename S>
static FailureOr<std::vector<Arrays<S>>> run(FuncOp func, ArrayRef<ArrayRef<Array<S>>> slots, Session &session) {
  session.sizes.resize(slots.size());
  Frame<S> frame(session);
  Block &body = func.getBody().front();
  if (failed(enter<S>(func, slots, session, frame)) || failed(frame.runBlock(body, allSlots(slots.size()))))
    return failure();
  std::vector<Arrays<S>> results(slots.size());
  for (size_t slot = 0; slot < slots.size(); ++slot)
    for (Value value : body.getTerminator()->getOperands())
      results[slot].push_back(frame.get(value, slot));
  return results;
}

template <typename S>
FailureOr<Arrays<S>> reference::evaluate(FuncOp func, ArrayRef<Array<S>> args, std::string &error, uint64_t seed, const llvm::StringMap<int64_t> &sizes) {
  Session session{error, {sizes}, nullptr, seed};
  FailureOr<std::vector<Arrays<S>>> results = run<S>(func, args, session);
  if (failed(results))
    return failure();
  return std::move(results->front());
}

template <typename S>
FailureOr<std::vector<Arrays<S>>> reference::evaluateOpen(FuncOp func, ArrayRef<Arrays<S>> slots, std::string &error, uint64_t seed) {
  Session session{error, {}, nullptr, seed};
  SmallVector<ArrayRef<Array<S>>> borrowed(slots.begin(), slots.end());
  return run<S>(func, borrowed, session);
}

template <typename S>
FailureOr<ValueAndGradients<S>> reference::evaluateGradients(FuncOp func, ArrayRef<Array<S>> args, ArrayRef<unsigned> wrt,
                                                             std::string &error) {
  Session session{error, std::vector<llvm::StringMap<int64_t>>(1)};
  Frame<S> frame(session);
  if (failed(enter<S>(func, args, session, frame)))
    return failure();
  auto result = func.getNumResults() ? llvm::cast<ArrayType>(func.getResultTypes()[0]) : ArrayType();
  if (!result || !result.isScalar() || !result.isFloat())
    return session.fail(func, "expects a floating scalar as its first result, to differentiate it");
  SmallVector<Value> arguments;
  for (unsigned index : wrt) {
    if (index >= args.size() || args[index].kind != Kind::Real)
      return session.fail(func, "argument " + Twine(index) + " is not floating, so there is no derivative in it");
    arguments.push_back(func.getBody().front().getArgument(index));
  }
  std::vector<Arrays<S>> results;
  if (failed(frame.differentiate(func.getBody().front(), arguments, arguments, 0u, results)))
    return failure();
  ValueAndGradients<S> answer{results[0][0].reals[0], {}};
  answer.gradients.assign(std::make_move_iterator(results[0].begin() + 1), std::make_move_iterator(results[0].end()));
  return answer;
}

TestResult reference::runTest(FuncOp test, ArrayRef<Array<double>> args) {
  TestResult result;
  Session session{result.error, {}, &result};
  bool isRun = succeeded(run<double>(test, args, session));
  result.passed = isRun && result.failures.empty();
  return result;
}

#define INSTANTIATE(S)                                                                                                 \
  template FailureOr<Arrays<S>> reference::evaluate(FuncOp, ArrayRef<Array<S>>, std::string &, uint64_t, const llvm::StringMap<int64_t> &);                        \
  template FailureOr<std::vector<Arrays<S>>> reference::evaluateOpen(FuncOp, ArrayRef<Arrays<S>>, std::string &, uint64_t);      \
  template FailureOr<ValueAndGradients<S>> reference::evaluateGradients(FuncOp, ArrayRef<Array<S>>, ArrayRef<unsigned>, \
                                                                        std::string &);
INSTANTIATE(double)
INSTANTIATE(long double)
INSTANTIATE(std::complex<double>)
