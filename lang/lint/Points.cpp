//===- Points.cpp - The points at which a function is looked at -------------===//
//
// Those that a run meets: the first step, where states have their first values and t is 1, with a gradient of 0; a parameter or an argument that
// is 0, or far out; the ends of the intervals and the edges of the sets that the spec declares. More would be found with more points; none of
// these is a guess.
//
//===----------------------------------------------------------------------===//

#include "lang/lint/Boundaries.h"

#include "llvm/Support/Casting.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <limits>

using namespace gradus;
using namespace gradus::lint;
using llvm::dyn_cast;
using llvm::StringRef;

namespace {

/// Where the spec says that an argument lies, as far as its edge can be told.
struct Domain {
  /// What the argument is at an edge.
  std::vector<Known> edges;
  bool isDeclared = false;
  bool isNonNegative = false;
  /// 0 in all elements is no point of it.
  bool lacksZero = false;
};

} // namespace

/// "eps = 0", for messages.
static std::string written(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", value);
  return text;
}

static StringRef unitOf(FuncOp func) { return func.getSymName().rsplit('.').first.split('.').first; }

/// The arguments of the unit of a function, as the spec declares them.
static llvm::ArrayRef<ast::Param> paramsOf(FuncOp func, const CheckedSpec &spec) {
  for (const ast::UnitPtr &unit : spec.sheet.units) {
    if (auto *function = dyn_cast<ast::Function>(unit.get()); function && function->name.name == unitOf(func))
      return function->params;
    if (auto *rule = dyn_cast<ast::Rule>(unit.get()); rule && rule->name.name == unitOf(func))
      return rule->params;
  }
  return {};
}

static std::optional<double> numberOf(const ast::ExprPtr &expr) {
  if (auto *number = llvm::dyn_cast_or_null<ast::Number>(expr.get()))
    return number->value;
  auto *unary = llvm::dyn_cast_or_null<ast::Unary>(expr.get());
  auto *number = unary && unary->op == ast::UnaryOp::Neg ? dyn_cast<ast::Number>(unary->operand.get()) : nullptr;
  return number ? std::optional<double>(-number->value) : std::nullopt;
}

static Domain domainOf(const ast::Interval &interval, bool isArray) {
  Domain domain;
  domain.isDeclared = true;
  std::optional<double> low = numberOf(interval.low), high = numberOf(interval.high);
  auto addEdge = [&](std::optional<double> end, bool isOpen) {
    if (end && !isOpen)
      domain.edges.push_back(isArray ? Known::some(*end) : Known::all(*end));
  };
  addEdge(low, interval.lowOpen);
  addEdge(high, interval.highOpen);
  domain.isNonNegative = low && *low >= 0;
  domain.lacksZero = (low && (*low > 0 || (*low == 0 && interval.lowOpen))) || (high && (*high < 0 || (*high == 0 && interval.highOpen)));
  return domain;
}

/// The sets of the library, by their names; of others nothing is known.
static Domain domainOf(const ast::Expr &set) {
  const ast::Expr *word = &set;
  if (auto *call = dyn_cast<ast::Call>(word))
    word = call->callee.get();
  auto *name = dyn_cast<ast::Name>(word);
  Domain domain;
  domain.isDeclared = true;
  domain.lacksZero = true;
  if (name && (name->name == "simplex" || name->name == "nonnegative")) {
    domain.edges.push_back(Known::some(0));
    domain.isNonNegative = true;
    domain.lacksZero = name->name == "simplex";
  }
  return domain;
}

static Domain domainOf(FuncOp func, unsigned index, const CheckedSpec &spec) {
  for (const ast::Param &param : paramsOf(func, spec)) {
    if (param.name.name != func.getArgName(index))
      continue;
    bool isArray = param.type && !param.type->dims.empty();
    Domain domain = param.interval ? domainOf(*param.interval, isArray) : param.set ? domainOf(*param.set) : Domain();
    std::optional<double> usual = numberOf(param.defaultValue);
    if (!domain.isDeclared && usual == 0.0)
      domain.edges.push_back(Known::all(0));
    domain.lacksZero |= !domain.isDeclared && usual && *usual != 0; // a hyper-parameter that nobody sets to 0
    return domain;
  }
  return {};
}

namespace {

class PointList {
public:
  PointList(FuncOp func, const CheckedSpec &spec) : func(func), spec(spec) {
    for (unsigned index = 0; index < func.getNumArguments(); ++index) {
      domains.push_back(domainOf(func, index, spec));
      domains.back().lacksZero |= func.getArgRole(index) == Role::Hyper && !domains.back().isDeclared;
      if (domains.back().isNonNegative)
        base[index].isNonNegative = true;
      if (func.getArgRole(index) == Role::Time)
        base[index].isNonNegative = true;
    }
    bool isStep = func.getKind() == FuncKind::RuleStep || func.getKind() == FuncKind::TrainStep;
    if (isStep || func.getKind() == FuncKind::Schedule)
      addFirstStep(isStep);
    addEdges(isStep);
    addZeros(isStep);
  }

  std::vector<Point> points;

private:
  static constexpr size_t most = 24;

  Point &add(std::string where) {
    points.push_back({std::move(where), base, false, true, false});
    return points.back();
  }
  bool isRole(unsigned index, Role role) { return func.getArgRole(index) == role; }
  std::string nameOf(unsigned index) { return "'" + func.getArgName(index).str() + "'"; }

  /// All elements are 0; whether they can be below it is what it is anywhere.
  static void setZero(Point &point, unsigned index) {
    point.arguments[index].extent = Known::All;
    point.arguments[index].value = 0;
  }

  /// What states begin with, as far as it does not depend on the arguments.
  std::map<std::string, Known> firstStates() {
    std::map<std::string, Known> states;
    auto init = mlir::ModuleOp(spec.module).lookupSymbol<FuncOp>((unitOf(func) + ".init").str());
    if (!init)
      return states;
    Point nowhere;
    Corner corner(init, nowhere);
    for (auto [index, value] : llvm::enumerate(init.getBody().front().getTerminator()->getOperands()))
      states[init.getResultName(index).str()] = corner.at(value);
    return states;
  }

  void addFirstStep(bool isStep) {
    Point first = {"in the first step", base, false, true, false};
    std::map<std::string, Known> states = firstStates();
    for (unsigned index = 0; index < func.getNumArguments(); ++index) {
      if (isRole(index, Role::Time))
        first.arguments[index] = Known::all(1);
      if (auto state = states.find(func.getArgName(index).str()); isRole(index, Role::State) && state != states.end())
        first.arguments[index] = state->second;
    }
    points.push_back(first);
    if (!isStep)
      return;
    first.hasZeroGradients = true;
    for (unsigned index = 0; index < func.getNumArguments(); ++index)
      if (isRole(index, Role::Grad))
        first.arguments[index] = Known::all(0);
    first.where = "in the first step, where the gradient is 0";
    points.push_back(first);
    // Later on, states are what they are.
    Point later = {"where the gradient is 0", base, true, true, false};
    for (unsigned index = 0; index < func.getNumArguments(); ++index)
      if (isRole(index, Role::Grad))
        later.arguments[index] = Known::all(0);
    points.push_back(later);
  }

  /// The ends that a declaration includes, each alone, and beside what else can be 0.
  void addEdges(bool isStep) {
    size_t known = points.size();
    for (unsigned index = 0; index < func.getNumArguments(); ++index)
      for (const Known &edge : domains[index].edges) {
        std::string what = edge.extent == Known::Some ? "where an element of " + nameOf(index) + " is " + written(edge.value) : "where " + nameOf(index) + " is " + written(edge.value);
        std::string why = domains[index].isDeclared ? ", which its declaration allows" : ", its default";
        Point &alone = add(what + why);
        alone.arguments[index].extent = edge.extent;
        alone.arguments[index].value = edge.value;
        if (edge.value != 0 || !isStep)
          continue;
        for (size_t k = 0; k < known && points.size() < most; ++k) {
          Point both = points[k];
          both.where = (both.where + " and " + nameOf(index) + " is 0") + why;
          both.arguments[index] = Known::all(0);
          points.push_back(both);
        }
      }
  }

  /// Tensors that are 0, each alone and all together. This is where a run may begin or end; the spec does not say so.
  void addZeros(bool isStep) {
    std::vector<unsigned> tensors;
    for (unsigned index = 0; index < func.getNumArguments(); ++index) {
      auto type = dyn_cast<ArrayType>(func.getArgumentTypes()[index]);
      bool isTensor = isRole(index, Role::Param) || (!isStep && isRole(index, Role::Data));
      if (isTensor && !domains[index].lacksZero && type && llvm::isa<mlir::FloatType>(type.getElementType()))
        tensors.push_back(index);
    }
    for (unsigned index : tensors) {
      Point &point = add("where " + nameOf(index) + " is 0");
      point.isTold = false;
      setZero(point, index);
      if (points.size() >= most)
        return;
    }
    addFar(tensors);
    if (tensors.size() < 2)
      return;
    Point &all = add("where the arguments are 0");
    all.isTold = false;
    for (unsigned index : tensors)
      setZero(all, index);
  }

  void addFar(llvm::ArrayRef<unsigned> tensors) {
    for (double value : {Known::far, -Known::far}) {
      Point &point = add(value > 0 ? "where the arguments are large" : "where the arguments are far below 0");
      point.isFar = true;
      for (unsigned index : tensors)
        if (!domains[index].isDeclared)
          point.arguments[index] = {Known::All, false, value};
    }
  }

  FuncOp func;
  const CheckedSpec &spec;
  std::vector<Domain> domains;
  std::map<unsigned, Known> base;
};

} // namespace

std::vector<Point> lint::pointsOf(FuncOp func, const CheckedSpec &spec) { return PointList(func, spec).points; }
