//===- Boundaries.cpp - Operations at the edge of their domain --------------===//

#include "lang/lint/Boundaries.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using llvm::isa;
using llvm::isa_and_nonnull;
using llvm::StringRef;
using mlir::Operation;
using mlir::Value;

namespace {

/// An operand whose edge matters.
struct Watch {
  Operation *op;
  unsigned operand;
  BoundaryKind kind;
  llvm::SmallVector<double, 2> edges;
};

} // namespace

/// The number that an operand is in any case.
static std::optional<double> numberBehind(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      Known known = evaluateOne(*op, {});
      return known.extent == Known::All ? std::optional<double>(known.value) : std::nullopt;
    }
    if (!isa<BroadcastOp, CastOp, ReshapeOp>(op))
      return std::nullopt;
    value = op->getOperand(0);
  }
  return std::nullopt;
}

/// x^c at 0: infinite below 0, of infinite slope between 0 and 1.
static std::optional<Watch> watchPower(Operation *op) {
  std::optional<double> power = numberBehind(op->getOperand(1));
  if (!power || *power == 0 || *power >= 1)
    return std::nullopt;
  return *power < 0 ? Watch{op, 0, BoundaryKind::Division, {0}} : Watch{op, 0, BoundaryKind::Slope, {0}};
}

static std::optional<Watch> watch(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Watch>>(op)
      .Case<AcosOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {-1, 1}}; })
      .Case<AcoshOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {1}}; })
      .Case<AsinOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {-1, 1}}; })
      .Case<AtanhOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {-1, 1}}; })
      .Case<CbrtOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {0}}; })
      .Case<DivOp>([&](auto) { return Watch{op, 1, BoundaryKind::Division, {0}}; })
      .Case<IntPowOp, PowOp>([&](auto) { return watchPower(op); })
      .Case<Log10Op>([&](auto) { return Watch{op, 0, BoundaryKind::Logarithm, {0}}; })
      .Case<Log1pOp>([&](auto) { return Watch{op, 0, BoundaryKind::Logarithm, {-1}}; })
      .Case<Log2Op>([&](auto) { return Watch{op, 0, BoundaryKind::Logarithm, {0}}; })
      .Case<LogOp>([&](auto) { return Watch{op, 0, BoundaryKind::Logarithm, {0}}; })
      .Case<NormalQuantileOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {0, 1}}; })
      .Case<SqrtOp>([&](auto) { return Watch{op, 0, BoundaryKind::Slope, {0}}; })
      .Default([](auto) { return std::nullopt; });
}

/// What an operand is made of, without what changes its type and shape alone.
static Operation *behind(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && isa<BroadcastOp, CastOp, ReshapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return op;
}

/// 1 - beta^k where k is 0, also below a root.
static bool isBiasCorrection(Value divisor, const Corner &corner) {
  Operation *op = behind(divisor);
  if (isa_and_nonnull<SqrtOp>(op))
    op = behind(op->getOperand(0));
  auto difference = llvm::dyn_cast_or_null<SubOp>(op);
  if (!difference || numberBehind(difference.getA()) != 1.0)
    return false;
  Operation *power = behind(difference.getB());
  return isa_and_nonnull<IntPowOp, PowOp>(power) && corner.at(power->getOperand(1)).isAll(0) && !numberBehind(power->getOperand(0));
}

namespace {

class Finder {
public:
  explicit Finder(Subject &subject) : subject(subject) {}

  std::vector<Boundary> found;

  void search(FuncOp func) {
    llvm::DenseSet<Operation *> differentiated = differentiatedIn(func);
    std::vector<Watch> watches;
    func.walk([&](Operation *op) {
      std::optional<Watch> one = watch(op);
      if (one && isWritten(op) && (one->kind != BoundaryKind::Slope || differentiated.contains(op)))
        watches.push_back(*one);
    });
    if (watches.empty())
      return;
    // A keystroke has no time for all points of a function of very many operations; the first ones tell most.
    constexpr size_t mostWork = 1'000'000, fewest = 3;
    size_t size = 0;
    func.walk([&](Operation *) { ++size; });
    std::vector<Point> points = pointsOf(func, subject.spec);
    points.resize(std::min(points.size(), std::max(fewest, mostWork / size)));
    for (const Point &point : points) {
      Corner corner(func, point);
      for (const Watch &one : watches)
        look(one, corner, point, differentiated.contains(one.op));
    }
  }

private:
  /// The operation stands in the main file as such: what other words are made of, as expm is, has its own ways.
  bool isWritten(Operation *op) const {
    static constexpr llvm::StringLiteral words[] = {"/", "√", "^", "acos", "acosh", "asin", "atanh", "cbrt", "log", "log10", "log1p", "log2", "normal_quantile", "reciprocal", "rsqrt", "sqrt"};
    std::optional<Location> at = subject.placeOf(op);
    return at && llvm::is_contained(words, subject.textOf(*at));
  }
  void look(const Watch &one, const Corner &corner, const Point &point, bool isDifferentiated) {
    Value operand = one.op->getOperand(one.operand);
    Known known = corner.at(operand);
    // What is a number in any case is plain to see, and its author meant it.
    if (known.extent == Known::Nothing || !llvm::is_contained(one.edges, known.value) || numberBehind(operand) || !corner.isAsked(one.op, operand))
      return;
    if ((!point.isTold && !known.isNonNegative) || (point.isFar && std::fabs(known.value) != 1))
      return;
    if (auto quotient = dyn_cast<DivOp>(one.op); quotient && !isDifferentiated && !corner.at(quotient.getA()).is(0) && isInfinityLeftBehind(quotient))
      return;
    Location at = *subject.placeOf(one.op);
    BoundaryKind kind = one.kind == BoundaryKind::Division && isBiasCorrection(operand, corner) ? BoundaryKind::BiasCorrection : one.kind;
    if (llvm::any_of(found, [&](const Boundary &other) { return other.at == at && (other.kind == kind || kind == BoundaryKind::Division); }))
      return;
    found.push_back({kind, at, subject.operandText(at, one.operand), known.value, point.where, subject.textOf(at)});
  }

  Subject &subject;
};

} // namespace

std::string lint::describe(const Boundary &boundary) {
  std::string edge;
  llvm::raw_string_ostream(edge) << llvm::format("%g", boundary.edge);
  StringRef where = boundary.where, operand = boundary.operand;
  // The point is the operand itself.
  for (std::string whose : {"'" + boundary.operand + "'", "an element of '" + boundary.operand + "'"})
    if (where.consume_front("where " + whose + " is " + edge))
      return whose + " can be " + edge + where.str();
  return (operand.empty() ? "the operand" : "'" + operand.str() + "'") + " is " + edge + " " + where.str();
}

std::vector<Boundary> lint::findBoundaries(Subject &subject) {
  Finder finder(subject);
  auto module = mlir::ModuleOp(subject.spec.module);
  for (FuncOp func : module.getOps<FuncOp>())
    if (func.getKind() != FuncKind::Test && !func.getSymName().ends_with(".objective"))
      finder.search(func);
  return std::move(finder.found);
}
