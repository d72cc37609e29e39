//===- Elements.cpp - Every element type, its numbers, and both engines ---------===//

#include "Elements.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/APFloat.h"

#include <random>

using namespace mlir;
using namespace gradus;
using reference::Array;
using reference::Arrays;
using reference::Shape;

bool gradus::isFloat(const Element &element) { return element.bits != 0; }
bool gradus::isBool(const Element &element) { return StringRef(element.name) == "i1"; }
bool gradus::isNarrow(const Element &element) { return StringRef(element.name) != element.wide; }

bool gradus::isTaken(Takes takes, const Element &element) {
  switch (takes) {
  case Floats: return isFloat(element);
  case Numbers: return !isBool(element);
  case Integers: return !isFloat(element) && !isBool(element);
  case Bools: return isBool(element);
  case Anything: return true;
  }
  return false;
}

const llvm::fltSemantics &gradus::semanticsOf(const Element &element) {
  switch (element.bits) {
  case 8: return llvm::APFloat::BFloat();
  case 11: return llvm::APFloat::IEEEhalf();
  case 24: return llvm::APFloat::IEEEsingle();
  default: return llvm::APFloat::IEEEdouble();
  }
}

double gradus::roundTo(const Element &element, double value) {
  if (element.bits == 53 || !isFloat(element))
    return value;
  llvm::APFloat number(value);
  bool isInexact;
  number.convert(semanticsOf(element), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
  return number.convertToDouble();
}

double gradus::ulpAt(const Element &element, double x) {
  double smallest = llvm::APFloat::getSmallest(semanticsOf(element)).convertToDouble();
  return x == 0 ? smallest : std::fmax(smallest, std::ldexp(1.0, std::ilogb(x) + 1 - static_cast<int>(element.bits)));
}

Array<double> gradus::makeOperand(const Element &element, const Shape &shape, unsigned seed) {
  int64_t size = reference::countElements(shape);
  std::mt19937_64 bits(seed);
  if (isBool(element)) {
    std::vector<int64_t> values(size);
    for (int64_t &x : values)
      x = bits() & 1;
    return Array<double>::boolean(shape, values);
  }
  if (!isFloat(element)) {
    bool isWide = StringRef(element.name) == "i64";
    int64_t low = isWide ? INT64_MIN : INT32_MIN, high = isWide ? INT64_MAX : INT32_MAX;
    const int64_t special[] = {0, 1, -1, 2, -2, 7, -7, low, low + 1, high, high - 1};
    std::vector<int64_t> values(size);
    for (int64_t &x : values)
      x = bits() % 3 == 0 ? static_cast<int64_t>(bits() % 2001) - 1000 : special[bits() % std::size(special)];
    return Array<double>::integer(shape, values);
  }
  const llvm::fltSemantics &semantics = semanticsOf(element);
  auto asDouble = [](llvm::APFloat x) {
    bool isInexact;
    x.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &isInexact);
    return x.convertToDouble();
  };
  double tiny = asDouble(llvm::APFloat::getSmallest(semantics)), normal = asDouble(llvm::APFloat::getSmallestNormalized(semantics));
  double most = asDouble(llvm::APFloat::getLargest(semantics)), inf = std::numeric_limits<double>::infinity();
  const double special[] = {0, 1, 0.5, 2, 3, tiny, 3 * tiny, normal, normal - tiny, most, inf, std::nan("")};
  std::vector<double> values(size);
  for (double &x : values) {
    double uniform = static_cast<double>(bits() >> 11) * 0x1p-53;
    unsigned way = bits() % 3;
    x = way == 0 ? special[bits() % std::size(special)] : way == 1 ? 8 * uniform : std::exp2(60 * uniform - 30);
    x = roundTo(element, bits() & 1 ? -x : x);
  }
  return Array<double>::real(shape, values);
}

bool gradus::isLegal(MLIRContext &context, StringRef text) {
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) { return success(); });
  return static_cast<bool>(parseSourceString<ModuleOp>(text, &context));
}

void gradus::expectNear(const Element &element, const Array<double> &got, const Array<double> &expected, double ulps, double scale,
                       function_ref<std::string(size_t)> describe) {
  ASSERT_EQ(got.shape, expected.shape);
  ASSERT_EQ(got.ints.size(), expected.ints.size());
  unsigned failures = 0;
  auto fail = [&](size_t i, double a, double b) {
    if (++failures <= 5)
      ADD_FAILURE() << "element " << i << " is " << a << ", by the evaluator " << b << describe(i);
  };
  for (size_t i = 0; i < got.ints.size(); ++i)
    if (got.ints[i] != expected.ints[i])
      fail(i, static_cast<double>(got.ints[i]), static_cast<double>(expected.ints[i]));
  ASSERT_EQ(got.reals.size(), expected.reals.size());
  for (size_t i = 0; i < got.reals.size(); ++i) {
    double a = got.reals[i], b = roundTo(element, expected.reals[i]);
    bool isSame = (std::isnan(a) && std::isnan(b)) || a == b;
    double most = llvm::APFloat::getLargest(semanticsOf(element)).convertToDouble();
    // An infinity is one step beyond the largest number.
    double from = std::isinf(a) ? std::copysign(most, a) : a, to = std::isinf(b) ? std::copysign(most, b) : b;
    bool isNear = !std::isnan(a) && !std::isnan(b) && std::fabs(from - to) <= ulps * ulpAt(element, std::fmax(std::fabs(to), scale));
    if (!isSame && !isNear)
      fail(i, a, b);
  }
}

void EachType::compile(const std::string &text) {
  module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  compiled = Compiled::create(*module, error);
  ASSERT_TRUE(compiled) << error;
}

void EachType::call(StringRef name, const Arrays<double> &args, Array<double> &got, Array<double> &expected) {
  auto func = module->lookupSymbol<FuncOp>(name);
  auto reference = reference::evaluate<double>(func, args, error);
  ASSERT_TRUE(succeeded(reference)) << error;
  auto machine = compiled->call(name, args, error);
  ASSERT_TRUE(succeeded(machine)) << error;
  got = machine->front().front();
  expected = reference->front();
}
