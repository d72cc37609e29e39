//===- Checker.cpp - Gradients, Hessians and Jacobians of a spec ---------------===//

#include "codegen/driver/Checker.h"

#include "codegen/reference/Slopes.h"
#include "lang/Messages.h"
#include "passes/Build.h"
#include "passes/diff/BuildGradient.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using gradus::reference::Array;
using gradus::reference::Arrays;

namespace gradus::driver {

//===----------------------------------------------------------------------===//
// What is printed
//===----------------------------------------------------------------------===//

std::string describePlace(mlir::Location location) {
  auto file = location->findInstanceOf<FileLineColLoc>();
  if (!file || file.getLine() == 0)
    return "";
  return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" + Twine(file.getColumn())).str();
}

static std::string describeElement(const reference::WorstElement &worst) {
  std::string text = worst.argument;
  for (auto [axis, i] : llvm::enumerate(worst.index))
    text += (axis ? ", " : "[") + std::to_string(i);
  return text + (worst.index.empty() ? "" : "]");
}

void Checker::printWorst(StringRef against, const reference::WorstElement &worst) {
  if (worst.argument.empty())
    return;
  if (output.isJson()) {
    llvm::json::Object &check = *getChecks().back().getAsObject();
    if (!check.getArray("worst"))
      check["worst"] = llvm::json::Array();
    check.getArray("worst")->push_back(llvm::json::Object{{"against", against},
                                                          {"element", describeElement(worst)},
                                                          {"point", worst.point},
                                                          {"got", numberToJson(worst.got)},
                                                          {"expected", numberToJson(worst.expected)},
                                                          {"error", numberToJson(worst.error)}});
    return;
  }
  llvm::outs() << "  against " << against << ": worst " << describeElement(worst) << ' ' << worst.point << ": "
               << llvm::format("%.17g, expected %.17g, error %.2g\n", worst.got, worst.expected, worst.error);
}

void Checker::addToDocument(StringRef status, const Twine &what, const Twine &found) {
  output.document["passed"] = numPassed;
  output.document["failed"] = numFailed;
  output.document["skipped"] = numSkipped;
  getChecks().push_back(llvm::json::Object{{"status", status}, {"what", textToJson(what.str())}, {"found", textToJson(found.str())}, {"notes", llvm::json::Array()}});
}

void Checker::say(bool passed, const Twine &what, const Twine &found) {
  ++(passed ? numPassed : numFailed);
  if (output.isJson())
    addToDocument(passed ? "pass" : "fail", what, found);
  else
    llvm::outs() << (passed ? "pass  " : "FAIL  ") << what << ": " << found << '\n';
}

void Checker::skip(const Twine &what, const Twine &why) {
  ++numSkipped;
  if (output.isJson())
    addToDocument("skip", what, why);
  else
    llvm::outs() << "skip  " << what << ": not checked: " << why << '\n';
}

void Checker::printSummary(StringRef file) const {
  if (output.isJson())
    return; // each check was counted there
  llvm::outs() << file << ": " << (numFailed ? counted(numFailed, "error") : "no errors") << "; " << numPassed + numFailed << " checked";
  llvm::outs() << (numSkipped ? ", " + std::to_string(numSkipped) + " not checked" : "") << '\n';
}

FuncOp Checker::setsOf(FuncOp func) {
  auto name = func->getAttrOfType<StringAttr>("gradus.sets");
  return name ? original.lookupSymbol<FuncOp>(name) : FuncOp();
}

void Checker::note(const Twine &what) {
  if (output.isJson())
    getChecks().back().getAsObject()->getArray("notes")->push_back(textToJson(what.str()));
  else
    llvm::outs() << "  " << what << '\n';
}

void Checker::report(StringRef what, const reference::GradientCheckReport &result, StringRef more) {
  std::string line = std::to_string(result.elements) + " derivatives";
  if (result.kinks)
    line += ", " + std::to_string(result.kinks) + " at kinks, where each lies between those beside";
  if (!result.complexError.empty())
    line += "; not against complex steps: " + result.complexError;
  if (result.isOfDuals)
    line += ", by dual numbers alone, for a derivative of one's own or a solver is in it";
  if (result.skipped)
    line += "; no finite value at " + counted(result.skipped, "further point");
  say(result.passed, what, line + more);
  if (!result.error.empty())
    note("could not be checked: " + result.error);
  printWorst("central differences", result.difference);
  printWorst("complex steps", result.complex);
  printWorst("dual numbers", result.dual);
}

bool Checker::setPoint(const GivenPoint &point) {
  given = &point;
  SmallVector<FuncOp> losses;
  std::vector<std::string> names;
  for (FuncOp func : original.getOps<FuncOp>())
    if (func.getKind() == FuncKind::Loss) {
      losses.push_back(func);
      for (unsigned i = 0; i < func.getNumArguments(); ++i)
        names.push_back(func.getArgName(i).str());
    }
  for (const GivenArray &one : point) {
    if (llvm::is_contained(names, one.name))
      continue;
    std::string hint = didYouMean(one.name, names);
    emitError(losses.empty() ? original.getLoc() : losses.front().getLoc(), "G0563: ")
        << "no loss has an argument '" << one.name << "', which '--at' gives a value" << (hint.empty() ? "" : "; " + hint);
    return false;
  }
  for (FuncOp loss : losses) {
    bool isWrong = false;
    (void)placePoint(loss, setsOf(loss), point, seed, isWrong);
    if (isWrong)
      return false;
  }
  return true;
}

std::optional<Arrays<double>> Checker::givenPointOf(FuncOp loss) {
  bool isWrong = false;
  return given ? placePoint(loss, setsOf(loss), *given, seed, isWrong) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

void Checker::printFault(FuncOp func, const reference::GradientCheckReport &result) {
  if (result.at.empty())
    return;
  std::string ignored;
  Operation *fault = findFault(func, result.at, [&](ModuleOp module, FuncOp value) { return deriveTrial(module, value, ignored); });
  if (fault)
    note(describePlace(fault->getLoc()) + ": the derivative of '" + fault->getName().stripDialect() + "' is wrong here");
  else
    note("the derivative of each operation is right: what is wrong has been made of them");
}

static bool holds(FuncOp func, llvm::function_ref<bool(Operation *)> is) {
  return func.walk([&](Operation *op) { return is(op) ? WalkResult::interrupt() : WalkResult::advance(); }).wasInterrupted();
}

bool holdsProblem(Region &region) {
  auto isOther = [](CustomOp op) { return op->hasAttr("names") || op->hasAttr("exact"); };
  return region.walk([&](CustomOp op) { return isOther(op) ? WalkResult::advance() : WalkResult::interrupt(); }).wasInterrupted();
}

/// How a function is tried. The solution of an inner problem is right to a tolerance of the spec alone.
static reference::GradientCheckOptions optionsFor(FuncOp func, uint64_t seed) {
  reference::GradientCheckOptions options;
  options.seed = seed;
  if (holdsProblem(func.getBody()))
    options.dualTolerance = 1e-8, options.points = 2; // each of them runs the solver often
  return options;
}

/// Whether a loss can be tried at many points: a solver far from where it was meant to begin runs to its limit, and forward mode over a gradient
/// costs the square.
static bool isCheap(FuncOp loss) {
  return !holdsProblem(loss.getBody()) && !holds(loss, llvm::IsaPred<GradOp>);
}

void Checker::checkGradient(FuncOp loss, FuncOp gradient) {
  reference::GradientCheckOptions options = optionsFor(loss, seed);
  options.atBoundaries = isCheap(loss);
  options.sets = setsOf(loss);
  reference::GradientCheckReport result = reference::checkGradients(loss, gradient, options);
  std::string more = options.atBoundaries ? "" : "; at random points alone";
  if (!result.isOfDuals && reference::findStop(loss.getBody()))
    more += "; not against differences, for 'stop' is in it";
  report(("gradient of " + loss.getSymName()).str(), result, more);
  if (!result.passed)
    printFault(loss, result);
  std::optional<Arrays<double>> point = givenPointOf(loss);
  if (!point)
    return;
  options.given.push_back(std::move(*point));
  options.atBoundaries = false;
  result = reference::checkGradients(loss, gradient, options);
  report(("gradient of " + loss.getSymName() + " at the given point").str(), result);
  if (!result.passed)
    printFault(loss, result);
}

//===----------------------------------------------------------------------===//
// Hessians
//===----------------------------------------------------------------------===//

/// <grad f, u> as a loss in the arguments of f, with the arguments "along .." behind them for u.
static FuncOp buildSlope(ModuleOp module, FuncOp gradient, SmallVectorImpl<unsigned> &wrt) {
  OpBuilder builder(module.getContext());
  builder.setInsertionPointAfter(gradient);
  auto describe = [&](StringRef name, Role role) {
    return builder.getDictionaryAttr({builder.getNamedAttr("gradus.name", builder.getStringAttr(name)),
                                      builder.getNamedAttr("gradus.role", RoleAttr::get(builder.getContext(), role))});
  };
  SmallVector<Type> types(gradient.getArgumentTypes());
  SmallVector<Attribute> attrs(gradient.getArgAttrsAttr().begin(), gradient.getArgAttrsAttr().end());
  for (unsigned i = 1; i < gradient.getNumResults(); ++i) {
    types.push_back(gradient.getResultTypes()[i]);
    attrs.push_back(describe(("along " + gradient.getResultName(i)).str(), Role::Data));
    for (unsigned k = 0; k < gradient.getNumArguments(); ++k)
      if ("grad_" + gradient.getArgName(k).str() == gradient.getResultName(i))
        wrt.push_back(k);
  }
  Type scalar = ArrayType::scalar(builder.getF64Type());
  auto slope = FuncOp::create(builder, gradient.getLoc(), FuncKind::Loss, "slope", builder.getFunctionType(types, scalar), builder.getArrayAttr(attrs),
                              builder.getArrayAttr(describe("value", Role::Value)));
  Block *entry = builder.createBlock(&slope.getBody());
  for (Type type : types)
    entry->addArgument(type, gradient.getLoc());
  IRMapping mapping;
  mapping.map(gradient.getArguments(), entry->getArguments().take_front(gradient.getNumArguments()));
  for (Operation &op : gradient.getBody().front().without_terminator())
    builder.clone(op, mapping);
  Value total = ConstantOp::create(builder, gradient.getLoc(), 0.0, builder.getF64Type());
  auto returned = gradient.getBody().front().getTerminator()->getOperands().drop_front();
  for (auto [g, u] : llvm::zip_equal(returned, entry->getArguments().drop_front(gradient.getNumArguments()))) {
    Value product = MulOp::create(builder, gradient.getLoc(), mapping.lookup(g), u);
    Value sum = buildReduce(builder, gradient.getLoc(), ReductionKind::Sum, product, complementAxes(arrayType(product).getRank(), {}));
    total = AddOp::create(builder, gradient.getLoc(), total, buildCast(builder, gradient.getLoc(), sum, builder.getF64Type()));
  }
  ReturnOp::create(builder, gradient.getLoc(), total);
  return slope;
}

static double innerProduct(ArrayRef<Array<double>> a, ArrayRef<Array<double>> b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a, b))
    for (auto [p, q] : llvm::zip_equal(x.reals, y.reals))
      sum += p * q;
  return sum;
}

static double sizeOf(ArrayRef<Array<double>> a) { return std::sqrt(innerProduct(a, a)); }

/// A direction of numbers of both signs.
static Arrays<double> directionAt(const Arrays<double> &point, ArrayRef<unsigned> wrt, double phase) {
  Arrays<double> direction;
  for (unsigned index : wrt) {
    direction.push_back(point[index]);
    for (auto [i, x] : llvm::enumerate(direction.back().reals))
      x = std::sin(phase + 1.7 * i + index);
  }
  return direction;
}

static Arrays<double> joined(Arrays<double> first, const Arrays<double> &second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Why the second derivative of a loss is not tried; empty where it is.
static std::string whyNoHessian(FuncOp loss) {
  if (std::string large = reference::findTooLarge(loss); !large.empty())
    return "'" + large + "' has more than 2^20 elements";
  for (unsigned i = 0; i < loss.getNumArguments(); ++i)
    if (auto type = dyn_cast<FloatType>(cast<ArrayType>(loss.getArgumentTypes()[i]).getElementType()); type && type.getWidth() == 16 && loss.getArgRole(i) == Role::Param)
      return "the gradient in '" + loss.getArgName(i).str() + "' is rounded to 16 bits";
  Operation *other = reference::findStop(loss.getBody());
  loss.walk<WalkOrder::PreOrder>([&](CustomOp op) {
    other = other || op->hasAttr("exact") ? other : op.getOperation();
  });
  if (!other)
    return "";
  std::string place = describePlace(other->getLoc()), what = isa<StopOp>(other) ? "'stop'" : other->hasAttr("names") ? "a derivative of one's own" : "an inner problem";
  return what + (place.empty() ? "" : " at " + place) + " makes another matrix of it, which need not be symmetric";
}

void Checker::checkHessian(FuncOp loss) {
  std::string what = ("Hessian of " + loss.getSymName()).str(), error;
  if (std::string why = whyNoHessian(loss); !why.empty())
    return skip(what, why);
  OwningOpRef<ModuleOp> module(ModuleOp::create(loss.getLoc()));
  OpBuilder builder = OpBuilder::atBlockBegin(module->getBody());
  auto copy = cast<FuncOp>(builder.clone(*loss));
  FailureOr<FuncOp> gradient = buildGradientFunction(*module, copy);
  if (failed(gradient))
    return skip(what, "the gradient is not built");
  SmallVector<unsigned> wrt;
  FuncOp slope = buildSlope(*module, *gradient, wrt);
  SmallVector<StringRef> names;
  for (unsigned index : wrt)
    names.push_back(slope.getArgName(index));
  FuncOp hessian = deriveTrial(*module, slope, error, names);
  if (!hessian && StringRef(error).starts_with("G0373")) // of some argument it is linear in
    error.clear(), hessian = deriveTrial(*module, slope, error);
  if (!hessian)
    return skip(what, StringRef(error).starts_with("G0373") ? "the gradient is constant" : "it is not built: " + error);
  if (hessian.getNumResults() != wrt.size() + 1)
    return skip(what, "the gradient does not hang on all that it is taken in");
  for (unsigned attempt = 0; attempt < 8; ++attempt) {
    Arrays<double> point = reference::makeRandomPoint(loss, {(seed + 1) * 8 + attempt, attempt >= 4, {}, setsOf(loss)});
    Arrays<double> u = directionAt(point, wrt, 0.3), v = directionAt(point, wrt, 1.9);
    auto alongU = reference::evaluate<double>(hessian, joined(point, u), error), alongV = reference::evaluate<double>(hessian, joined(point, v), error);
    if (failed(alongU) || failed(alongV))
      return skip(what, error);
    alongU->erase(alongU->begin());
    alongV->erase(alongV->begin());
    double one = innerProduct(v, *alongU), other = innerProduct(u, *alongV);
    if (!std::isfinite(one) || !std::isfinite(other))
      continue;
    double scale = std::fmax(1e-3, sizeOf(v) * sizeOf(*alongU) + sizeOf(u) * sizeOf(*alongV));
    bool isSymmetric = std::fabs(one - other) <= 1e-11 * scale;
    std::string line;
    llvm::raw_string_ostream(line) << llvm::format("<u, H v> = %.12g, <v, H u> = %.12g", other, one);
    // Forward mode over forward mode, which is far dearer: only where it is done soon.
    auto duals = FailureOr<reference::ValueAndGradients<double>>(failure());
    bool isNested = holds(loss, llvm::IsaPred<GradOp>);
    int64_t count = 0;
    for (const Array<double> &direction : u)
      count += direction.size();
    if (count <= 64 && !isNested)
      duals = reference::evaluateGradients<double>(slope, joined(point, u), wrt, error);
    else
      line += isNested ? "; not against dual numbers, for a gradient is in it" : "; not against dual numbers, for it has more than 64 columns";
    double off = 0;
    if (succeeded(duals))
      for (auto [a, b] : llvm::zip_equal(*alongU, duals->gradients))
        for (auto [x, y] : llvm::zip_equal(a.reals, b.reals))
          off = std::isfinite(y) ? std::fmax(off, std::fabs(x - y)) : off;
    bool agrees = off <= 1e-10 * scale;
    say(isSymmetric && agrees, what, line + (succeeded(duals) && !agrees ? "; H u is not that of dual numbers" : ""));
    return;
  }
  skip(what, "it is finite at no point that was tried");
}

//===----------------------------------------------------------------------===//
// Jacobians
//===----------------------------------------------------------------------===//

void Checker::checkJacobian(FuncOp fn) {
  std::string what = ("Jacobian of " + fn.getSymName()).str(), error;
  bool hasReal = llvm::any_of(fn.getArgumentTypes(), [](Type type) { return cast<ArrayType>(type).isFloat(); });
  hasReal &= llvm::any_of(fn.getResultTypes(), [](Type type) { return cast<ArrayType>(type).isFloat(); });
  if (!hasReal)
    return; // it has none
  Trial trial = outlineFunction(fn);
  trial.withGradients = deriveTrial(*trial.module, trial.value, error);
  if (!trial.withGradients)
    return skip(what, StringRef(error).starts_with("G0373") ? "no result hangs on a real argument by real numbers alone" : "it is not built: " + error);
  reference::GradientCheckOptions options = optionsFor(fn, seed);
  options.sets = setsOf(fn);
  options.mostElements = 32; // of all by dual numbers
  reference::GradientCheckReport result = reference::checkGradients(trial.value, trial.withGradients, options);
  if (!result.error.empty())
    return skip(what, result.error);
  report(what, result, ": <v, J u> = <J' v, u>");
  if (!result.passed)
    printFault(fn, result);
}

} // namespace gradus::driver
