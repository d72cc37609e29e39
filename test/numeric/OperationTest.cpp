//===- OperationTest.cpp - Every operation at every element type ----------------===//
//
// One function for each row of the two tables and each element type that the op takes: compiled and interpreted at the same
// stored numbers. Numbers of 16 bits are storage: they are cast to f32, and the result is rounded to them. What moves elements has its
// rows in ArrayOperationTest.cpp. An op of the dialect without a row in either of them fails.
//
//===----------------------------------------------------------------------===//

#include "Elements.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <random>

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

namespace {

/// A form of an op. In `text` X, Y, Z stand for the operands, $T for their type and $B for bools of their shape.
struct Row {
  const char *op;
  const char *text;
  Takes takes;
  unsigned arity;
  double ulps = 0; ///< of the result in its storage type, more than what rounding to 16 bits adds
  bool isBool = false;
};

constexpr Row pointwise[] = {
    {"abs", "gradus.abs X : $T", Numbers, 1},
    {"acos", "gradus.acos X : $T", Floats, 1, 1.5},
    {"acosh", "gradus.acosh X : $T", Floats, 1, 2},
    {"add", "gradus.add X, Y : $T", Numbers, 2},
    {"and", "gradus.and X, Y : $T", Bools, 2},
    {"asin", "gradus.asin X : $T", Floats, 1, 1.5},
    {"asinh", "gradus.asinh X : $T", Floats, 1, 2},
    {"atan", "gradus.atan X : $T", Floats, 1, 1.5},
    {"atan2", "gradus.atan2 X, Y : $T", Floats, 2, 2},
    {"atanh", "gradus.atanh X : $T", Floats, 1, 2},
    {"cast", "", Anything, 1}, // has a test of its own: two types
    {"cbrt", "gradus.cbrt X : $T", Floats, 1, 1.5},
    {"ceil", "gradus.ceil X : $T", Floats, 1},
    {"compare", "gradus.compare eq X, Y : $T -> $B", Anything, 2, 0, true},
    {"compare", "gradus.compare ge X, Y : $T -> $B", Anything, 2, 0, true},
    {"compare", "gradus.compare gt X, Y : $T -> $B", Anything, 2, 0, true},
    {"compare", "gradus.compare le X, Y : $T -> $B", Anything, 2, 0, true},
    {"compare", "gradus.compare lt X, Y : $T -> $B", Anything, 2, 0, true},
    {"compare", "gradus.compare ne X, Y : $T -> $B", Anything, 2, 0, true},
    {"cos", "gradus.cos X : $T", Floats, 1, 2},
    {"cosh", "gradus.cosh X : $T", Floats, 1, 2},
    {"digamma", "gradus.digamma X : $T", Floats, 1, 7},
    {"div", "gradus.div X, Y : $T", Floats, 2},
    {"erf", "gradus.erf X : $T", Floats, 1, 2},
    {"erfc", "gradus.erfc X : $T", Floats, 1, 3},
    {"exp", "gradus.exp X : $T", Floats, 1, 2},
    {"exp2", "gradus.exp2 X : $T", Floats, 1, 2},
    {"expm1", "gradus.expm1 X : $T", Floats, 1, 2},
    {"floor", "gradus.floor X : $T", Floats, 1},
    {"hypot", "gradus.hypot X, Y : $T", Floats, 2, 2},
    {"int_div", "gradus.int_div X, Y : $T", Integers, 2},
    {"int_pow", "gradus.int_pow X, -3 : $T", Numbers, 1, 3},
    {"int_pow", "gradus.int_pow X, 0 : $T", Numbers, 1, 3},
    {"int_pow", "gradus.int_pow X, 5 : $T", Numbers, 1, 3},
    {"lambert_w", "gradus.lambert_w X : $T", Floats, 1, 3.5},
    {"lgamma", "gradus.lgamma X : $T", Floats, 1, 6},
    {"log", "gradus.log X : $T", Floats, 1, 2},
    {"log10", "gradus.log10 X : $T", Floats, 1, 1.5},
    {"log1p", "gradus.log1p X : $T", Floats, 1, 2},
    {"log2", "gradus.log2 X : $T", Floats, 1, 1.5},
    {"max", "gradus.max X, Y : $T", Numbers, 2},
    {"min", "gradus.min X, Y : $T", Numbers, 2},
    {"mod", "gradus.mod X, Y : $T", Numbers, 2},
    {"mul", "gradus.mul X, Y : $T", Numbers, 2},
    {"neg", "gradus.neg X : $T", Numbers, 1},
    {"normal_cdf", "gradus.normal_cdf X : $T", Floats, 1, 4},
    {"normal_quantile", "gradus.normal_quantile X : $T", Floats, 1, 4},
    {"not", "gradus.not X : $T", Bools, 1},
    {"or", "gradus.or X, Y : $T", Bools, 2},
    {"pow", "gradus.pow X, Y : $T", Floats, 2, 2},
    {"round", "gradus.round X : $T", Floats, 1},
    {"select", "gradus.select Z, X, Y : $B, $T", Anything, 2},
    {"sigmoid", "gradus.sigmoid X : $T", Floats, 1, 3},
    {"sign", "gradus.sign X : $T", Numbers, 1},
    {"sin", "gradus.sin X : $T", Floats, 1, 2},
    {"sinh", "gradus.sinh X : $T", Floats, 1, 2},
    {"softplus", "gradus.softplus X : $T", Floats, 1, 3},
    {"sqrt", "gradus.sqrt X : $T", Floats, 1},
    {"stochastic_cast", "", Floats, 2}, // StochasticCastTest
    {"stop", "gradus.stop X : $T", Anything, 1},
    {"sub", "gradus.sub X, Y : $T", Numbers, 2},
    {"tan", "gradus.tan X : $T", Floats, 1, 4},
    {"tanh", "gradus.tanh X : $T", Floats, 1, 2},
    {"trigamma", "gradus.trigamma X : $T", Floats, 1, 6},
    {"trunc", "gradus.trunc X : $T", Floats, 1},
    {"xor", "gradus.xor X, Y : $T", Bools, 2},
};

/// A reduction of X over axes $A to $R; `ulps` for each element that is reduced, of the sum of magnitudes.
constexpr Row reductions[] = {
    {"arg_reduce", "gradus.arg_reduce max X axis $A : $T to $R", Numbers, 1},
    {"arg_reduce", "gradus.arg_reduce min X axis $A : $T to $R", Numbers, 1},
    {"logsumexp", "gradus.logsumexp X axes [$A] : $T to $R", Floats, 1, 2},
    {"norm", "gradus.norm X axes [$A] : $T to $R", Floats, 1, 1},
    {"reduce", "gradus.reduce all X axes [$A] : $T to $R", Bools, 1},
    {"reduce", "gradus.reduce any X axes [$A] : $T to $R", Bools, 1},
    {"reduce", "gradus.reduce max X axes [$A] : $T to $R", Numbers, 1},
    {"reduce", "gradus.reduce min X axes [$A] : $T to $R", Numbers, 1},
    {"reduce", "gradus.reduce prod X axes [$A] : $T to $R", Numbers, 1, 1},
    {"reduce", "gradus.reduce sum X axes [$A] : $T to $R", Numbers, 1, 1},
};

/// Ops that compute no element of their own, or that other tests compare.
constexpr const char *elsewhere[] = {
    "all_reduce",  // RoleTest, AgainstReferenceTest
    "cholesky",    // LinearAlgebraTest
    "draw",        // DrawTest
    "eigh",        // LinearAlgebraTest
    "encode",      // BlocksTest
    "exchange",    // made of calls of the application
    "expect",      // the tests of specs
    "expect_near", // the tests of specs
    "fft",
    "func",
    "grad", // AgainstReferenceTest
    "jvp",  // AgainstReferenceTest
    "kernel",
    "logdet", // LinearAlgebraTest
    "oracle", // ObjectiveTest
    "partial",
    "phase",
    "qr", // LinearAlgebraTest
    "return",
    "solve",   // LinearAlgebraTest
    "svd",     // LinearAlgebraTest
    "workers", // made of calls of the application
    "yield",
};

} // namespace

static std::string substitute(StringRef text, ArrayRef<std::pair<const char *, std::string>> replacements) {
  std::string result = text.str();
  for (const auto &[from, to] : replacements)
    for (size_t at = result.find(from); at != std::string::npos; at = result.find(from, at + to.size()))
      result.replace(at, StringRef(from).size(), to);
  return result;
}

/// A function that widens its operands, does one thing, and rounds the result to `result`.
static std::string makeFunction(StringRef name, const Row &row, const Element &element, StringRef shape, StringRef axes, StringRef resultShape,
                                StringRef computed, StringRef result) {
  auto array = [](StringRef dims, StringRef type) { return llvm::formatv("!gradus.array<[{0}], {1}>", dims, type).str(); };
  std::string text, stored = array(shape, element.name), wide = array(shape, element.wide), bools = array(shape, "i1");
  llvm::raw_string_ostream os(text);
  os << "gradus.func fn @" << name << "(";
  auto argument = [&](StringRef arg, StringRef type) {
    os << "%" << arg << ": " << type << " {gradus.name = \"" << arg << "\", gradus.role = #gradus.role<input>}";
  };
  argument("x", stored);
  if (row.arity == 2) {
    os << ", ";
    argument("y", stored);
    os << ", ";
    argument("z", bools);
  }
  os << ") -> (" << array(resultShape, result) << " {gradus.name = \"r\", gradus.role = #gradus.role<value>}) {\n";
  std::string suffix = isNarrow(element) ? "w" : "";
  for (StringRef arg : {"x", "y"})
    if (isNarrow(element) && (arg == "x" || row.arity == 2))
      os << "  %" << arg << "w = gradus.cast %" << arg << " : " << stored << " to " << wide << "\n";
  std::string form = row.text;
  if (StringRef(row.op) == "int_pow") {
    StringRef exponent = StringRef(row.text).split(", ").second.split(' ').first;
    os << "  %n = gradus.constant dense<" << exponent << "> : tensor<i64>\n";
    form = "gradus.int_pow X, %n : $T, !gradus.array<[], i64>";
  }
  os << "  %s = "
     << substitute(form, {{"$A", axes.str()}, {"$B", bools}, {"$R", array(resultShape, computed)}, {"$T", wide}, {" X", " %x" + suffix}, {" Y", " %y" + suffix}, {" Z", " %z"}})
     << "\n";
  StringRef last = "%s";
  if (computed != result) {
    os << "  %r = gradus.cast %s : " << array(resultShape, computed) << " to " << array(resultShape, result) << "\n";
    last = "%r";
  }
  os << "  gradus.return " << last << " : " << array(resultShape, result) << "\n}\n";
  return text;
}

static std::string nameOf(const char *kind, size_t number) { return std::string(kind) + std::to_string(number); }

/// Where the arithmetic of the type is far from the real function: a - b floor(a / b) unless the quotient is below 1, 1 / x^n where x^n
/// overflows before the quotient does, and close to the zeros of lgamma and digamma below 0, where two terms cancel.
static bool isIllConditioned(const Row &row, const Element &element, const Arrays<double> &args, const Array<double> &expected, size_t i) {
  if (StringRef(row.op) == "int_pow")
    return StringRef(row.text).contains('-') && std::fabs(expected.reals[i]) < 1 / llvm::APFloat::getLargest(semanticsOf(element)).convertToDouble();
  double x = args[0].reals.empty() ? 0 : args[0].reals[i];
  if (StringRef(row.op) == "lgamma")
    return x < 0 && std::fabs(expected.reals[i]) < std::fmax(1, std::lgamma(1 - x));
  if (StringRef(row.op) == "digamma")
    return x < 0 && std::fabs(expected.reals[i]) < 1 + std::log(1 - x);
  if (StringRef(row.op) != "mod")
    return false;
  double a = args[0].reals[i], b = args[1].reals[i];
  return std::isfinite(a) && std::isfinite(b) && b != 0 && (std::fabs(a / b) >= 1 || a / b <= 0);
}

TEST_P(EachType, PointwiseAgrees) {
  const Element &element = GetParam();
  std::string text;
  for (auto [number, row] : llvm::enumerate(pointwise)) {
    if (!*row.text)
      continue;
    StringRef computed = row.isBool ? "i1" : element.wide, result = row.isBool ? "i1" : element.name;
    std::string function = makeFunction(nameOf("f", number), row, element, "n", "", "n", computed, result);
    ASSERT_EQ(isLegal(context, function), isTaken(row.takes, element)) << function;
    if (isTaken(row.takes, element))
      text += function;
  }
  compile(text);
  for (auto [number, row] : llvm::enumerate(pointwise)) {
    if (!*row.text || !isTaken(row.takes, element))
      continue;
    for (int64_t size : {0, 1, 15, 16, 17, 1000}) {
      SCOPED_TRACE(std::string(row.text) + " of " + std::to_string(size) + " " + element.name);
      Arrays<double> args{makeOperand(element, {size}, 1)};
      if (row.arity == 2) {
        args.push_back(makeOperand(element, {size}, 2));
        args.push_back(makeOperand(elementBool, {size}, 3));
      }
      Array<double> got, expected;
      call(nameOf("f", number), args, got, expected);
      ASSERT_FALSE(testing::Test::HasFatalFailure());
      for (size_t i = 0; i < got.reals.size(); ++i)
        if (isIllConditioned(row, element, args, expected, i))
          got.reals[i] = expected.reals[i] = 0;
      // Two roundings, to f32 and to 16 bits, may differ from one.
      double ulps = isNarrow(element) ? 1 : row.ulps;
      expectNear(element, got, expected, ulps, 0, [&](size_t i) {
        std::string at = " at";
        for (const Array<double> &arg : args)
          at += " " + (arg.kind == Kind::Real ? llvm::formatv("{0:e17}", arg.reals[i]).str() : std::to_string(arg.ints[i]));
        return at;
      });
    }
  }
}

TEST_P(EachType, CastsAgree) {
  const Element &element = GetParam();
  std::string text;
  for (const Element &to : elements) {
    Row row{"cast", "gradus.stop X : $T", Anything, 1};
    Element same{element.name, element.name, element.bits};
    text += makeFunction(std::string("to_") + to.name, row, same, "n", "", "n", element.name, to.name);
  }
  compile(text);
  for (const Element &to : elements) {
    SCOPED_TRACE(std::string(element.name) + " to " + to.name);
    Arrays<double> args{makeOperand(element, {1000}, 1)};
    Array<double> got, expected;
    call(std::string("to_") + to.name, args, got, expected);
    ASSERT_FALSE(testing::Test::HasFatalFailure());
    // The evaluator takes an i64 for the nearest f64 before it is rounded to less.
    double ulps = StringRef(element.name) == "i64" && isFloat(to) ? 1 : 0;
    expectNear(to, got, expected, ulps, 0, [&](size_t i) {
      return args[0].kind == Kind::Real ? llvm::formatv(" at {0:e17}", args[0].reals[i]).str() : " at " + std::to_string(args[0].ints[i]);
    });
  }
}

/// Rows of numbers near 1, and in some a special one.
static Array<double> makeMatrix(const Element &element, int64_t n, int64_t c, unsigned seed, double special) {
  std::mt19937_64 bits(seed);
  if (!isFloat(element)) {
    std::vector<int64_t> values(n * c);
    for (int64_t &x : values)
      x = isBool(element) ? bits() % 8 != 0 : static_cast<int64_t>(bits() % 2001) - 1000;
    return isBool(element) ? Array<double>::boolean({n, c}, values) : Array<double>::integer({n, c}, values);
  }
  std::vector<double> values(n * c);
  for (double &x : values)
    x = roundTo(element, (bits() & 1 ? 1 : -1) * (0.75 + static_cast<double>(bits() >> 11) * 0x1p-54));
  if (special == 0 || special == -std::numeric_limits<double>::infinity())
    std::fill(values.begin(), values.end(), special);
  else if (special != 1) // where all are tiny, squares are 0 in the arithmetic of the type
    for (size_t i = std::fabs(special) < 1 ? 1 : 0; i < values.size(); i += 1 + bits() % 40)
      values[i] = special;
  return Array<double>::real({n, c}, values);
}

TEST_P(EachType, ReductionsAgree) {
  const Element &element = GetParam();
  struct Form {
    const char *axes, *shape;
  };
  constexpr Form forms[] = {{"0", "c"}, {"1", "n"}, {"0, 1", ""}};
  std::string text;
  auto nameAt = [&](size_t number, size_t form) { return nameOf("r", number) + nameOf("_", form); };
  auto isMade = [&](const Row &row, const Form &form) {
    return isTaken(row.takes, element) && (StringRef(row.op) != "arg_reduce" || StringRef(form.axes).size() == 1);
  };
  for (auto [number, row] : llvm::enumerate(reductions))
    for (auto [k, form] : llvm::enumerate(forms)) {
      bool isIndex = StringRef(row.op) == "arg_reduce", isScalar = !*form.shape && isFloat(element);
      StringRef computed = isIndex ? "i64" : isScalar ? "f64" : element.wide, result = isIndex ? "i64" : isScalar ? "f64" : element.name;
      std::string function = makeFunction(nameAt(number, k), row, element, "n, c", form.axes, form.shape, computed, result);
      ASSERT_EQ(isLegal(context, function), isMade(row, form)) << function;
      if (isMade(row, form))
        text += function;
    }
  compile(text);
  double inf = std::numeric_limits<double>::infinity(), tiny = ulpAt(isFloat(element) ? element : elements[3], 0);
  std::vector<double> specials = isFloat(element) ? std::vector<double>{1, 0, tiny, inf, -inf, std::nan("")} : std::vector<double>{1};
  for (auto [number, row] : llvm::enumerate(reductions))
    for (auto [k, form] : llvm::enumerate(forms)) {
      if (!isMade(row, form))
        continue;
      for (auto [n, c] : {std::pair<int64_t, int64_t>{0, 3}, {3, 0}, {1, 1}, {15, 17}, {33, 100}})
        for (double special : specials) {
          SCOPED_TRACE(llvm::formatv("{0} over [{1}] of [{2}, {3}] {4} with {5}", row.text, form.axes, n, c, element.name, special).str());
          Array<double> got, expected;
          call(nameAt(number, k), {makeMatrix(element, n, c, 5, special)}, got, expected);
          ASSERT_FALSE(testing::Test::HasFatalFailure());
          // The numbers are computed in `wide` and rounded once more to 16 bits.
          double count = static_cast<double>(k == 0 ? n : k == 1 ? c : n * c);
          bool isSum = StringRef(row.text).contains("sum");
          double ulps = isNarrow(element) ? (row.ulps > 0 ? 1 + std::ldexp(count, element.bits - 24) : 0) : row.ulps * (4 + count);
          const Element &of = *form.shape ? element : element.wide == StringRef("f64") ? elements[3] : elements[2];
          expectNear(of, got, expected, *form.shape ? ulps : row.ulps * (4 + count), isSum ? 1 : 0, [](size_t) { return std::string(); });
        }
    }
}

TEST(Operations, HaveRows) {
  MLIRContext context;
  context.loadDialect<GradusDialect>();
  for (RegisteredOperationName name : context.getRegisteredOperationsByDialect("gradus")) {
    StringRef op = name.stripDialect();
    auto isRowOf = [&](const Row &row) { return row.op == op; };
    bool isElsewhere = llvm::any_of(elsewhere, [&](const char *known) { return known == op; });
    bool isPointwise = name.hasTrait<Pointwise>();
    bool hasRow = llvm::any_of(pointwise, isRowOf) || llvm::any_of(reductions, isRowOf);
    EXPECT_NE(hasRow || hasArrayRow(op), isElsewhere) << "'" << op.str() << "' has no row, or is told to be elsewhere";
    EXPECT_FALSE(isPointwise && isElsewhere) << "'" << op.str() << "' is pointwise and has no row in this file";
  }
}

INSTANTIATE_TEST_SUITE_P(Operations, EachType, testing::ValuesIn(elements), [](const auto &info) { return std::string(info.param.name); });
