//===- RandomPoint.cpp - Arguments at which a function can be tried -------------===//

#include "codegen/reference/RandomPoint.h"
#include "dialect/DimExpr.h"
#include "dialect/Gradus.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <numbers>
#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// Numbers by the generator's bits alone: the library's distributions differ between vendors.
class Random {
public:
  explicit Random(uint64_t seed) : bits(seed) {}
  /// In (0, 1).
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  int64_t below(int64_t bound) { return bound > 0 ? static_cast<int64_t>(bits() % static_cast<uint64_t>(bound)) : 0; }
  double normal() { // Box and Muller
    double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

private:
  std::mt19937_64 bits;
};

using Sizes = llvm::StringMap<int64_t>;

} // namespace

static Sizes drawSizes(ArrayRef<std::string> symbols, ArrayRef<int64_t> candidates, Random &random, Sizes sizes) {
  SmallVector<int64_t> pool;
  for (const std::string &symbol : symbols) {
    if (sizes.contains(symbol))
      continue;
    if (pool.empty())
      pool.assign(candidates.begin(), candidates.end());
    auto *chosen = pool.begin() + random.below(pool.size());
    sizes[symbol] = *chosen;
    pool.erase(chosen);
  }
  return sizes;
}

/// A size for every symbol of the arguments that has none, so that every formula of them is one.
static void chooseSizes(FuncOp func, Random &random, Sizes &sizes) {
  llvm::SetVector<Attribute> formulas;
  std::vector<std::string> symbols;
  auto add = [&](const std::string &symbol) {
    if (!llvm::is_contained(symbols, symbol))
      symbols.push_back(symbol);
  };
  auto addDims = [&](Type type) {
    for (Attribute dim : llvm::cast<ArrayType>(type).getShape()) {
      if (isFormula(dim))
        formulas.insert(dim);
      else if (auto symbol = dyn_cast<StringAttr>(dim))
        add(symbol.getValue().str());
    }
  };
  llvm::for_each(func.getArgumentTypes(), addDims);
  for (Attribute dim : formulas.getArrayRef())
    llvm::for_each(DimExpr::of(dim).getSymbols(), add);
  func.walk([&](Operation *op) {
    for (Value result : op->getResults())
      for (Attribute dim : llvm::cast<ArrayType>(result.getType()).getShape())
        if (isFormula(dim))
          formulas.insert(dim);
  });
  Sizes given = sizes;
  sizes = drawSizes(symbols, {3, 4, 5, 6, 7}, random, given);
  auto isSize = [&](Attribute dim) { return sizeOfDim(dim, sizes).has_value(); };
  for (unsigned attempt = 0; attempt < 200 && !llvm::all_of(formulas, isSize); ++attempt)
    sizes = drawSizes(symbols, {3, 4, 5, 6, 7, 8, 9, 10, 12}, random, given);
}

static int64_t sizeOf(Attribute dim, const Sizes &sizes) { return sizeOfDim(dim, sizes).value_or(INT64_MAX); }

/// The size of the smallest axis that `value` indexes, after any move or cast, or that it is compared with.
static int64_t findIndexBound(Value value, const Sizes &sizes, llvm::SmallPtrSetImpl<Operation *> &seen) {
  int64_t bound = INT64_MAX;
  auto indexes = [&](Value array, ValueRange indices) {
    for (auto [dim, index] : llvm::zip(llvm::cast<ArrayType>(array.getType()).getShape(), indices))
      if (index == value)
        bound = std::min(bound, sizeOf(dim, sizes));
  };
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto gather = dyn_cast<GatherOp>(user))
      indexes(gather.getX(), gather.getIndices());
    else if (isa<ScatterAddOp, ScatterOp>(user))
      indexes(user->getOperand(0), user->getOperands().drop_front().drop_back());
    else if (auto kernel = dyn_cast<KernelOp>(user))
      bound = std::min(bound, findIndexBound(kernel.getBody().getArgument(use.getOperandNumber()), sizes, seen));
    else if (isa<CastOp, BroadcastOp, ReshapeOp, TransposeOp>(user) && seen.insert(user).second)
      bound = std::min(bound, findIndexBound(user->getResult(0), sizes, seen));
    else if (auto compare = dyn_cast<CompareOp>(user))
      for (Value other : user->getOperands())
        if (auto iota = other.getDefiningOp<IotaOp>())
          bound = std::min(bound, sizeOf(llvm::cast<ArrayType>(iota.getType()).getShape()[iota.getAxis()], sizes));
  }
  return bound;
}

/// A number inside an interval, away from its ends.
static double drawInside(IntervalAttr interval, Random &random) {
  double low = interval.getLowValue(), high = interval.getHighValue(), part = 0.1 + 0.8 * random.uniform();
  if (std::isfinite(low) && std::isfinite(high))
    return low + (high - low) * part;
  return std::isfinite(low) ? low + part : std::isfinite(high) ? high - part : part;
}

static double drawReal(FuncOp func, unsigned index, Random &random, const PointOptions &options) {
  auto fallback = func.getArgAttrOfType<FloatAttr>(index, "gradus.default");
  if (fallback && func.getArgRole(index) != Role::Input)
    return fallback.getValueAsDouble();
  if (auto interval = func.getArgAttrOfType<IntervalAttr>(index, "gradus.interval"))
    return drawInside(interval, random);
  return options.isPositive ? 0.1 + 0.9 * random.uniform() : random.normal();
}

static int64_t drawInt(FuncOp func, unsigned index, int64_t bound, Random &random) {
  if (auto fallback = func.getArgAttrOfType<IntegerAttr>(index, "gradus.default"))
    return fallback.getInt();
  if (func.getArgRole(index) == Role::Time || func.getArgRole(index) == Role::Hyper)
    return 1 + random.below(5);
  return random.below(bound == INT64_MAX ? 3 : bound);
}

static Arrays<double> drawPoint(FuncOp func, const Sizes &sizes, Random &random, const PointOptions &options) {
  Arrays<double> point;
  for (unsigned i = 0; i < func.getNumArguments(); ++i) {
    auto type = llvm::cast<ArrayType>(func.getArgumentTypes()[i]);
    Shape shape;
    for (Attribute dim : type.getShape())
      shape.push_back(sizeOf(dim, sizes));
    auto array = Array<double>::zeros(type.isFloat() ? Kind::Real : type.isBool() ? Kind::Bool : Kind::Integer, shape);
    for (double &element : array.reals)
      element = drawReal(func, i, random, options);
    llvm::SmallPtrSet<Operation *, 8> seen;
    int64_t bound = type.isInt() ? findIndexBound(func.getBody().front().getArgument(i), sizes, seen) : 2;
    auto flag = func.getArgAttrOfType<BoolAttr>(i, "gradus.default");
    for (int64_t &element : array.ints)
      element = type.isInt() ? drawInt(func, i, bound, random) : flag ? flag.getValue() : random.below(2);
    point.push_back(std::move(array));
  }
  return point;
}

//===----------------------------------------------------------------------===//
// Sets
//===----------------------------------------------------------------------===//

int64_t reference::findArgument(FuncOp func, StringRef name) {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (func.getArgName(i) == name)
      return i;
  return -1;
}

template <typename S>
FailureOr<Arrays<S>> reference::takeToSets(FuncOp sets, FuncOp func, Arrays<S> point, std::string &error) {
  Arrays<S> args;
  for (unsigned i = 0; i < sets.getNumArguments(); ++i)
    args.push_back(point[findArgument(func, sets.getArgName(i))]);
  auto nearest = evaluate<S>(sets, args, error);
  if (failed(nearest))
    return failure();
  for (unsigned i = 0; i < sets.getNumResults(); ++i)
    point[findArgument(func, sets.getResultName(i))].reals = (*nearest)[i].reals;
  return point;
}

template FailureOr<Arrays<double>> reference::takeToSets(FuncOp, FuncOp, Arrays<double>, std::string &);
template FailureOr<Arrays<long double>> reference::takeToSets(FuncOp, FuncOp, Arrays<long double>, std::string &);

/// The mean of nearest points lies inside of a convex set, where one of them may lie on its border; what is nearest to it lies in any set.
static Arrays<double> moveInside(FuncOp func, const Sizes &sizes, Random &random, const PointOptions &options, const Arrays<double> &point) {
  constexpr unsigned count = 32;
  auto nearestTo = [&](Arrays<double> from) {
    std::string error;
    auto nearest = takeToSets<double>(options.sets, func, from, error);
    for (Array<double> &array : from)
      llvm::fill(array.reals, std::numeric_limits<double>::quiet_NaN());
    return succeeded(nearest) ? *nearest : from;
  };
  Arrays<double> mean = nearestTo(point);
  for (unsigned k = 1; k < count; ++k)
    for (auto [array, next] : llvm::zip_equal(mean, nearestTo(drawPoint(func, sizes, random, options))))
      for (auto [x, other] : llvm::zip_equal(array.reals, next.reals))
        x += (other - x) / (k + 1);
  return nearestTo(std::move(mean));
}

Arrays<double> reference::makeRandomPoint(FuncOp func, const PointOptions &options) {
  Random random(options.seed);
  Sizes sizes = options.sizes;
  chooseSizes(func, random, sizes);
  Arrays<double> point = drawPoint(func, sizes, random, options);
  return options.sets ? moveInside(func, sizes, random, options, point) : point;
}
