//===- Property.cpp - Properties: claims about random inputs --------------------===//
//
// Sizes from 0 to 8, numbers of many magnitudes with 0, 1 and -1 among them. A case that fails is made small: first its sizes, then its
// numbers, towards 0 and 1, while it goes on to fail.
//
//===----------------------------------------------------------------------===//

#include "codegen/driver/Property.h"

#include "dialect/DimExpr.h"
#include "dialect/Gradus.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/xxhash.h"

#include <charconv>
#include <cmath>
#include <random>

using namespace mlir;

namespace gradus::driver {

using Numbers = reference::Array<double>;
using Point = std::vector<Numbers>;
using Sizes = llvm::StringMap<int64_t>;

static constexpr unsigned numCases = 100;
static constexpr int64_t largestSize = 8;
/// Runs that a search for a smaller case may take.
static constexpr unsigned budget = 2000;

bool isProperty(FuncOp func) { return func->hasAttr("gradus.property"); }

/// The symbols that the shapes of the inputs are made of.
static std::vector<std::string> symbolsOf(FuncOp property) {
  llvm::SetVector<Attribute> dims;
  std::set<std::string> symbols;
  for (Type type : property.getArgumentTypes())
    for (Attribute dim : cast<ArrayType>(type).getShape())
      if (isa<StringAttr>(dim))
        symbols.merge(DimExpr::of(dim).getSymbols());
  return {symbols.begin(), symbols.end()};
}

/// The shape of an input; nothing where a formula is no size.
static std::optional<reference::Shape> shapeOf(Type type, const Sizes &sizes) {
  reference::Shape shape;
  for (Attribute dim : cast<ArrayType>(type).getShape()) {
    std::optional<int64_t> size = sizeOfDim(dim, sizes);
    if (!size || *size < 0)
      return std::nullopt;
    shape.push_back(*size);
  }
  return shape;
}

//===----------------------------------------------------------------------===//
// Cases
//===----------------------------------------------------------------------===//

static double drawReal(std::mt19937_64 &random) {
  double x = static_cast<double>(static_cast<int64_t>(random() % 2001) - 1000);
  switch (random() % 8) {
  case 0:
    return static_cast<double>(static_cast<int64_t>(random() % 3) - 1);
  case 1:
    return std::trunc(x / 100);
  case 2:
    return x * 1e3;
  case 3:
    return x * 1e-9;
  default:
    return x / 400;
  }
}

static std::optional<Point> drawCase(FuncOp property, ArrayRef<std::string> symbols, std::mt19937_64 &random, Sizes &sizes) {
  for (const std::string &symbol : symbols)
    sizes[symbol] = static_cast<int64_t>(random() % (largestSize + 1));
  Point point;
  for (Type type : property.getArgumentTypes()) {
    std::optional<reference::Shape> shape = shapeOf(type, sizes);
    if (!shape)
      return std::nullopt;
    auto array = cast<ArrayType>(type);
    Numbers numbers = Numbers::zeros(array.isFloat() ? reference::Kind::Real : array.isBool() ? reference::Kind::Bool : reference::Kind::Integer, *shape);
    for (double &x : numbers.reals)
      x = drawReal(random);
    for (int64_t &x : numbers.ints)
      x = array.isBool() ? static_cast<int64_t>(random() % 2) : static_cast<int64_t>(random() % 19) - 9;
    point.push_back(std::move(numbers));
  }
  return point;
}

static bool fails(FuncOp property, const Point &point) {
  reference::TestResult result = reference::runTest(property, point);
  return !result.passed || !result.error.empty();
}

/// A part of an array, of a shape that is nowhere larger: along each axis what is left without the index `skip`, or the leading elements where it is -1.
static Numbers cut(const Numbers &from, const reference::Shape &shape, ArrayRef<int64_t> skip) {
  Numbers to = Numbers::zeros(from.kind, shape);
  for (int64_t i = 0, n = to.size(); i < n; ++i) {
    int64_t rest = i, at = 0, stride = 1;
    for (size_t axis = shape.size(); axis-- > 0;) {
      int64_t index = rest % shape[axis];
      at += (index + (skip[axis] >= 0 && index >= skip[axis])) * stride;
      rest /= shape[axis];
      stride *= from.shape[axis];
    }
    if (to.kind == reference::Kind::Real)
      to.reals[i] = from.reals[at];
    else
      to.ints[i] = from.ints[at];
  }
  return to;
}

//===----------------------------------------------------------------------===//
// Smaller cases
//===----------------------------------------------------------------------===//

/// How far a number is from a plain one: 0, 1, -1, the integers, then by the length of its text.
static double weigh(double x) {
  if (x == 0 || x == 1)
    return x;
  if (x == std::trunc(x) && std::fabs(x) < 1e6)
    return 1 + std::fabs(x) + (x < 0 ? 0.5 : 0);
  char text[64];
  return 1e7 + static_cast<double>(std::to_chars(text, text + sizeof(text), x).ptr - text);
}

namespace {
class Shrinker {
public:
  Shrinker(FuncOp property, Point point, Sizes sizes) : property(property), point(std::move(point)), sizes(std::move(sizes)) {}

  Point run(ArrayRef<std::string> symbols) {
    while (shrinkSizes(symbols) || shrinkNumbers())
      ;
    return point;
  }

private:
  bool take(Point smaller) {
    if (runs >= budget || (++runs, !fails(property, smaller)))
      return false;
    point = std::move(smaller);
    return true;
  }
  /// Gives a symbol a smaller size; `skip` is the index left out, or -1 for all from the new size on.
  bool tryFewer(const std::string &symbol, int64_t size, int64_t skip) {
    Sizes fewer = sizes;
    fewer[symbol] = size;
    Point smaller;
    for (auto [type, array] : llvm::zip_equal(property.getArgumentTypes(), point)) {
      std::optional<reference::Shape> shape = shapeOf(type, fewer);
      if (!shape || llvm::any_of(llvm::zip_equal(*shape, array.shape), [](auto pair) { return std::get<0>(pair) > std::get<1>(pair); }))
        return false;
      SmallVector<int64_t> skips;
      for (Attribute dim : cast<ArrayType>(type).getShape())
        skips.push_back(isa<StringAttr>(dim) && cast<StringAttr>(dim).getValue() == symbol ? skip : -1);
      smaller.push_back(cut(array, *shape, skips));
    }
    if (!take(std::move(smaller)))
      return false;
    sizes = fewer;
    return true;
  }
  bool shrinkSizes(ArrayRef<std::string> symbols) {
    bool isSmaller = false;
    for (const std::string &symbol : symbols) {
      for (int64_t size = 0; size < sizes[symbol]; ++size)
        isSmaller |= tryFewer(symbol, size, -1);
      for (int64_t index = 0; index < sizes[symbol]; ++index)
        isSmaller |= tryFewer(symbol, sizes[symbol] - 1, index);
    }
    return isSmaller;
  }
  /// One element, by number, becomes the plainest that keeps the case failing.
  bool shrinkOne(size_t array, size_t element, bool isReal) {
    double x = isReal ? point[array].reals[element] : static_cast<double>(point[array].ints[element]);
    for (double plainer : {0.0, 1.0, -1.0, std::trunc(x / 2), std::trunc(x), std::round(x * 10) / 10, std::round(x * 1000) / 1000}) {
      bool isBool = point[array].kind == reference::Kind::Bool;
      if (weigh(plainer) >= weigh(x) || (isBool && plainer != 0 && plainer != 1))
        continue;
      Point smaller = point;
      if (isReal)
        smaller[array].reals[element] = plainer;
      else
        smaller[array].ints[element] = static_cast<int64_t>(plainer);
      if (take(std::move(smaller)))
        return true;
    }
    return false;
  }
  bool shrinkNumbers() {
    bool isSmaller = false;
    for (size_t k = 0; k < point.size(); ++k) {
      for (size_t i = 0; i < point[k].reals.size(); ++i)
        isSmaller |= shrinkOne(k, i, /*isReal=*/true);
      for (size_t i = 0; i < point[k].ints.size(); ++i)
        isSmaller |= shrinkOne(k, i, /*isReal=*/false);
    }
    return isSmaller;
  }

  FuncOp property;
  Point point;
  Sizes sizes;
  unsigned runs = 0;
};
} // namespace

//===----------------------------------------------------------------------===//
// As a test
//===----------------------------------------------------------------------===//

static std::string write(const Numbers &array, int64_t at) {
  if (array.kind == reference::Kind::Bool)
    return array.ints[at] ? "true" : "false";
  if (array.kind == reference::Kind::Integer)
    return std::to_string(array.ints[at]);
  char text[64];
  std::string number(text, std::to_chars(text, text + sizeof(text), array.reals[at]).ptr);
  return number + (number.find_first_of(".e") == std::string::npos ? ".0" : "");
}

/// The elements from `at` on, along the axes from `axis` on.
static std::string write(const Numbers &array, size_t axis, int64_t &at) {
  if (axis == array.shape.size())
    return write(array, at++);
  std::string text = "[";
  for (int64_t i = 0; i < array.shape[axis]; ++i)
    text += (i ? ", " : "") + write(array, axis + 1, at);
  return text + "]";
}

static std::string writeValue(const Numbers &array) {
  int64_t at = 0;
  if (array.size() > 0)
    return write(array, 0, at);
  std::string dims; // a list has no way to say that there is nothing in it
  for (int64_t size : array.shape)
    dims += (dims.empty() ? "" : ", ") + std::to_string(size);
  return array.kind == reference::Kind::Real ? "zeros(" + dims + ")" : "reshape(arange(0)" + std::string(array.kind == reference::Kind::Bool ? " == 0" : "") + ", [" + dims + "])";
}

static std::string writeTest(FuncOp property, const Point &point) {
  std::string text = "test \"" + property.getSymName().str() + ": a case\" {\n";
  for (auto [i, array] : llvm::enumerate(point))
    text += "  " + property.getArgName(i).str() + " = " + writeValue(array) + "\n";
  SmallVector<StringRef> lines;
  property->getAttrOfType<StringAttr>("gradus.property").getValue().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    text += "  " + line.str() + "\n";
  return text + "}\n";
}

std::optional<CounterExample> tryProperty(FuncOp property, uint64_t seed) {
  std::mt19937_64 random(seed ^ llvm::xxh3_64bits(property.getSymName()));
  std::vector<std::string> symbols = symbolsOf(property);
  for (unsigned tried = 0, attempts = 0; tried < numCases && attempts < 50 * numCases; ++attempts) {
    Sizes sizes;
    std::optional<Point> point = drawCase(property, symbols, random, sizes);
    if (!point)
      continue;
    ++tried;
    if (!fails(property, *point))
      continue;
    Point least = Shrinker(property, std::move(*point), std::move(sizes)).run(symbols);
    return CounterExample{tried, writeTest(property, least), reference::runTest(property, least)};
  }
  return std::nullopt;
}

} // namespace gradus::driver
