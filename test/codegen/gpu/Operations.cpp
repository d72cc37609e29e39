//===- Operations.cpp - What operations of kernels give ------------------------------===//
//
// Computed by the host's arithmetic and by LLVM's APInt and APFloat, which share no code with what is written for a device.
//
//===----------------------------------------------------------------------===//

#include "test/codegen/gpu/DeviceCode.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/APInt.h"
#include "llvm/ADT/APSInt.h"

#include <cmath>

using llvm::APFloat;
using llvm::APInt;

namespace gradus::test {

using Bits = const std::vector<uint64_t> &;
using Result = std::optional<uint64_t>;

static APInt wide(unsigned width, uint64_t bits) { return APInt(64, bits).trunc(width); }

/// Operations of two integers of one width.
static void addBinary(std::vector<Operation> &all, unsigned width, const std::string &name, const std::function<std::optional<APInt>(APInt, APInt)> &compute,
                      bool isShift = false) {
  std::string type = "i" + std::to_string(width), second = isShift ? "s" + std::to_string(width) : type;
  all.push_back({name + "_" + type, {type, second}, type, "arith." + name + " %x0, %x1 : " + type, [=](Bits x) -> Result {
                   std::optional<APInt> result = compute(wide(width, x[0]), wide(width, x[1]));
                   return result ? Result(result->getZExtValue()) : std::nullopt;
                 }});
}

static void addIntegerCompares(std::vector<Operation> &all, unsigned width) {
  std::string type = "i" + std::to_string(width);
  auto add = [&](const std::string &predicate, bool (*holds)(const APInt &, const APInt &)) {
    all.push_back({predicate + "_" + type, {type, type}, "i1", "arith.cmpi " + predicate + ", %x0, %x1 : " + type,
                   [=](Bits x) -> Result { return holds(wide(width, x[0]), wide(width, x[1])); }});
  };
  add("eq", [](const APInt &a, const APInt &b) { return a == b; });
  add("ne", [](const APInt &a, const APInt &b) { return a != b; });
  add("slt", [](const APInt &a, const APInt &b) { return a.slt(b); });
  add("sge", [](const APInt &a, const APInt &b) { return a.sge(b); });
  add("ult", [](const APInt &a, const APInt &b) { return a.ult(b); });
  add("ugt", [](const APInt &a, const APInt &b) { return a.ugt(b); });
}

static void addCounts(std::vector<Operation> &all, unsigned width) {
  std::string type = "i" + std::to_string(width);
  auto add = [&](const std::string &name, unsigned (*count)(const APInt &)) {
    all.push_back({name + "_" + type, {type}, type, "math." + name + " %x0 : " + type, [=](Bits x) -> Result { return count(wide(width, x[0])); }});
  };
  add("ctlz", [](const APInt &x) { return x.countl_zero(); });
  add("cttz", [](const APInt &x) { return x.countr_zero(); });
  add("ctpop", [](const APInt &x) { return x.popcount(); });
}

static void addResizes(std::vector<Operation> &all, unsigned from) {
  std::string type = "i" + std::to_string(from);
  for (unsigned to : {8U, 16U, 32U, 64U}) {
    std::string result = "i" + std::to_string(to), types = " %x0 : " + type + " to " + result;
    if (to > from) {
      all.push_back({"extsi_" + type + "_" + result, {type}, result, "arith.extsi" + types, [=](Bits x) -> Result { return wide(from, x[0]).sext(to).getZExtValue(); }});
      all.push_back({"extui_" + type + "_" + result, {type}, result, "arith.extui" + types, [=](Bits x) -> Result { return x[0]; }});
    } else if (to < from) {
      all.push_back({"trunci_" + type + "_" + result, {type}, result, "arith.trunci" + types, [=](Bits x) -> Result { return wide(from, x[0]).trunc(to).getZExtValue(); }});
    }
  }
}

std::vector<Operation> integerOperations() {
  std::vector<Operation> all;
  for (unsigned width : {8U, 16U, 32U, 64U}) {
    auto add = [&](const std::string &name, const std::function<std::optional<APInt>(APInt, APInt)> &compute) { addBinary(all, width, name, compute); };
    auto shift = [&](const std::string &name, const std::function<std::optional<APInt>(APInt, APInt)> &compute) { addBinary(all, width, name, compute, true); };
    auto divides = [](const APInt &a, const APInt &b) { return !b.isZero() && !(b.isAllOnes() && a.isMinSignedValue()); };
    add("addi", [](APInt a, APInt b) { return a + b; });
    add("subi", [](APInt a, APInt b) { return a - b; });
    add("muli", [](APInt a, APInt b) { return a * b; });
    add("andi", [](APInt a, APInt b) { return a & b; });
    add("ori", [](APInt a, APInt b) { return a | b; });
    add("xori", [](APInt a, APInt b) { return a ^ b; });
    add("divsi", [=](APInt a, APInt b) { return divides(a, b) ? std::optional(a.sdiv(b)) : std::nullopt; });
    add("remsi", [=](APInt a, APInt b) { return divides(a, b) ? std::optional(a.srem(b)) : std::nullopt; });
    add("divui", [](APInt a, APInt b) { return b.isZero() ? std::nullopt : std::optional(a.udiv(b)); });
    add("remui", [](APInt a, APInt b) { return b.isZero() ? std::nullopt : std::optional(a.urem(b)); });
    add("maxsi", [](APInt a, APInt b) { return a.sgt(b) ? a : b; });
    add("minsi", [](APInt a, APInt b) { return a.slt(b) ? a : b; });
    add("maxui", [](APInt a, APInt b) { return a.ugt(b) ? a : b; });
    add("minui", [](APInt a, APInt b) { return a.ult(b) ? a : b; });
    shift("shli", [](APInt a, APInt b) { return a.shl(b); });
    shift("shrsi", [](APInt a, APInt b) { return a.ashr(b); });
    shift("shrui", [](APInt a, APInt b) { return a.lshr(b); });
    addIntegerCompares(all, width);
    addCounts(all, width);
    addResizes(all, width);
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Floating point
//===----------------------------------------------------------------------===//

static const llvm::fltSemantics &semanticsOf(const std::string &type) {
  return type == "f64" ? APFloat::IEEEdouble() : type == "f32" ? APFloat::IEEEsingle() : APFloat::IEEEhalf();
}
static APFloat real(const std::string &type, uint64_t bits) { return APFloat(semanticsOf(type), wide(widthOf(type), bits)); }
static uint64_t bitsOf(const APFloat &x) { return x.bitcastToAPInt().getZExtValue(); }
static APFloat convert(APFloat x, const std::string &type) {
  bool losesInfo = false;
  x.convert(semanticsOf(type), APFloat::rmNearestTiesToEven, &losesInfo);
  return x;
}

using Compute = std::function<APFloat(std::vector<APFloat>)>;

static void addReal(std::vector<Operation> &all, const std::string &dialect, const std::string &name, const std::string &type, size_t count, const Compute &compute) {
  std::string operands;
  for (size_t k = 0; k < count; ++k)
    operands += (k ? ", %x" : "%x") + std::to_string(k);
  all.push_back({name + "_" + type, std::vector<std::string>(count, type), type, dialect + "." + name + " " + operands + " : " + type, [=](Bits x) -> Result {
                   std::vector<APFloat> numbers;
                   for (uint64_t bits : x)
                     numbers.push_back(real(type, bits));
                   return bitsOf(compute(numbers));
                 }});
}

static Compute rounded(APFloat::roundingMode mode) {
  return [=](std::vector<APFloat> x) {
    x[0].roundToIntegral(mode);
    return x[0];
  };
}

/// The host's: correctly rounded.
static APFloat squareRoot(const APFloat &x) { return &x.getSemantics() == &APFloat::IEEEdouble() ? APFloat(std::sqrt(x.convertToDouble())) : APFloat(std::sqrt(x.convertToFloat())); }

static void addArithmetic(std::vector<Operation> &all, const std::string &type) {
  constexpr auto nearest = APFloat::rmNearestTiesToEven;
  auto add = [&](const std::string &name, size_t count, const Compute &compute) { addReal(all, "arith", name, type, count, compute); };
  add("addf", 2, [](std::vector<APFloat> x) { return x[0] + x[1]; });
  add("subf", 2, [](std::vector<APFloat> x) { return x[0] - x[1]; });
  add("mulf", 2, [](std::vector<APFloat> x) { return x[0] * x[1]; });
  add("divf", 2, [](std::vector<APFloat> x) { return x[0] / x[1]; });
  add("negf", 1, [](std::vector<APFloat> x) { return neg(x[0]); });
  add("maximumf", 2, [](std::vector<APFloat> x) { return maximum(x[0], x[1]); });
  add("minimumf", 2, [](std::vector<APFloat> x) { return minimum(x[0], x[1]); });
  if (type == "f16")
    return;
  auto addMath = [&](const std::string &name, size_t count, const Compute &compute) { addReal(all, "math", name, type, count, compute); };
  addMath("absf", 1, [](std::vector<APFloat> x) { return abs(x[0]); });
  addMath("ceil", 1, rounded(APFloat::rmTowardPositive));
  addMath("copysign", 2, [](std::vector<APFloat> x) { return APFloat::copySign(x[0], x[1]); });
  addMath("floor", 1, rounded(APFloat::rmTowardNegative));
  addMath("fma", 3, [](std::vector<APFloat> x) {
    x[0].fusedMultiplyAdd(x[1], x[2], nearest);
    return x[0];
  });
  addMath("roundeven", 1, rounded(nearest));
  addMath("sqrt", 1, [](std::vector<APFloat> x) { return squareRoot(x[0]); });
  addMath("trunc", 1, rounded(APFloat::rmTowardZero));
}

static void addCompares(std::vector<Operation> &all, const std::string &type) {
  auto add = [&](const std::string &predicate, std::initializer_list<APFloat::cmpResult> holding) {
    std::vector<APFloat::cmpResult> results = holding;
    all.push_back({predicate + "_" + type, {type, type}, "i1", "arith.cmpf " + predicate + ", %x0, %x1 : " + type,
                   [=](Bits x) -> Result { return llvm::is_contained(results, real(type, x[0]).compare(real(type, x[1]))); }});
  };
  constexpr auto less = APFloat::cmpLessThan, equal = APFloat::cmpEqual, greater = APFloat::cmpGreaterThan, open = APFloat::cmpUnordered;
  add("oeq", {equal});
  add("ogt", {greater});
  add("oge", {greater, equal});
  add("olt", {less});
  add("ole", {less, equal});
  add("one", {less, greater});
  add("ord", {less, equal, greater});
  add("ueq", {equal, open});
  add("ugt", {greater, open});
  add("uge", {greater, equal, open});
  add("ult", {less, open});
  add("ule", {less, equal, open});
  add("une", {less, greater, open});
  add("uno", {open});
}

static void addIntegerCasts(std::vector<Operation> &all, const std::string &type) {
  for (unsigned width : {8U, 16U, 32U, 64U}) {
    std::string integer = "i" + std::to_string(width);
    for (bool isSigned : {true, false}) {
      std::string letter = isSigned ? "s" : "u", to = letter + "itofp", from = "fpto" + letter + "i";
      all.push_back({to + "_" + integer + "_" + type, {integer}, type, "arith." + to + " %x0 : " + integer + " to " + type, [=](Bits x) -> Result {
                       APFloat y(semanticsOf(type));
                       y.convertFromAPInt(wide(width, x[0]), isSigned, APFloat::rmNearestTiesToEven);
                       return bitsOf(y);
                     }});
      all.push_back({from + "_" + type + "_" + integer, {type}, integer, "arith." + from + " %x0 : " + type + " to " + integer, [=](Bits x) -> Result {
                       llvm::APSInt y(width, !isSigned);
                       bool isExact = false;
                       if (real(type, x[0]).convertToInteger(y, APFloat::rmTowardZero, &isExact) == APFloat::opInvalidOp)
                         return std::nullopt;
                       return y.getZExtValue();
                     }});
    }
  }
}

std::vector<Operation> floatOperations() {
  std::vector<Operation> all;
  for (const std::string type : {"f16", "f32", "f64"}) {
    addArithmetic(all, type);
    addCompares(all, type);
  }
  for (const std::string type : {"f32", "f64"})
    addIntegerCasts(all, type);
  for (auto [name, from, to] : {std::tuple("extf", "f16", "f32"), std::tuple("extf", "f16", "f64"), std::tuple("extf", "f32", "f64"), std::tuple("truncf", "f64", "f32"),
                                std::tuple("truncf", "f32", "f16")}) {
    std::string source = from, target = to;
    all.push_back({std::string(name) + "_" + from + "_" + to, {source}, target, std::string("arith.") + name + " %x0 : " + from + " to " + to,
                   [=](Bits x) -> Result { return bitsOf(convert(real(source, x[0]), target)); }});
  }
  return all;
}

} // namespace gradus::test
