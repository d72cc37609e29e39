//===- CheckPoint.cpp - A point that a user gives to `gradus check` ------------===//

#include "codegen/driver/CheckPoint.h"

#include "codegen/driver/Csv.h"
#include "codegen/reference/RandomPoint.h"
#include "dialect/DimExpr.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

namespace gradus::driver {

namespace {
/// Reads `-1.5` and `[[1, 2], [3, 4]]`.
class ArrayReader {
public:
  explicit ArrayReader(StringRef text) : text(text), rest(text) {}

  /// False with `error` where the text is no array.
  bool read(reference::Array<double> &array) {
    array.kind = reference::Kind::Real;
    return readItem(array, 0) && (skipBlanks().empty() || fail("expected the end"));
  }
  std::string error;

private:
  StringRef skipBlanks() { return rest = rest.ltrim(); }
  bool fail(const Twine &what) {
    error = (what + " at column " + Twine(text.size() - rest.size() + 1)).str();
    return false;
  }

  bool readItem(reference::Array<double> &array, size_t depth) {
    if (skipBlanks().consume_front("["))
      return rest = rest.drop_front(), readRow(array, depth);
    StringRef word = rest.take_while([](char c) { return (c >= '0' && c <= '9') || c == 'e' || c == 'E' || c == '.' || c == '-' || c == '+'; });
    double number;
    if (word.empty() || word.getAsDouble(number))
      return fail("expected a number or '['");
    if (leaf && *leaf != depth)
      return fail("expected rows of one shape");
    leaf = depth;
    rest = rest.drop_front(word.size());
    array.reals.push_back(number);
    return true;
  }

  bool readRow(reference::Array<double> &array, size_t depth) {
    int64_t count = 0;
    for (bool isFirst = true; !skipBlanks().starts_with("]"); isFirst = false) {
      if (!isFirst && !rest.consume_front(","))
        return fail("expected ',' or ']'");
      if (!readItem(array, depth + 1))
        return false;
      ++count;
    }
    rest = rest.drop_front();
    while (array.shape.size() <= depth)
      array.shape.push_back(-1);
    if (array.shape[depth] >= 0 && array.shape[depth] != count)
      return fail("expected rows of one shape");
    array.shape[depth] = count;
    return true;
  }

  StringRef text, rest;
  std::optional<size_t> leaf; ///< how deep the numbers stand
};
} // namespace

/// A file of one row or one column is a vector, any other a matrix.
static FailureOr<reference::Array<double>> readFile(const std::string &path, std::string &error) {
  FailureOr<Table> table = readCsv(path, error);
  if (failed(table))
    return failure();
  auto rows = static_cast<int64_t>(table->rows), columns = static_cast<int64_t>(table->columns);
  SmallVector<int64_t> shape{rows, columns};
  if (rows == 1 || columns == 1)
    shape = {rows * columns};
  return reference::Array<double>::real(shape, std::move(table->values));
}

std::optional<GivenPoint> readPoint(const Invocation &invocation) {
  GivenPoint point;
  for (const std::string &setting : invocation.getAll("--at")) {
    auto [name, text] = StringRef(setting).split('=');
    GivenArray given{name.trim().str(), text.trim().str(), {}};
    std::string error;
    if (given.name.empty() || given.text.empty())
      error = "expects NAME=[NUMBERS] or NAME=FILE.csv";
    else if (llvm::any_of(point, [&](const GivenArray &other) { return other.name == given.name; }))
      error = "gives '" + given.name + "' twice";
    else if (double number; given.text.starts_with("[") || !StringRef(given.text).getAsDouble(number)) {
      ArrayReader reader(given.text);
      if (!reader.read(given.values))
        error = "'" + given.name + "': " + reader.error;
    } else if (FailureOr<reference::Array<double>> read = readFile(given.text, error); succeeded(read)) {
      given.values = std::move(*read);
    }
    if (!error.empty()) {
      llvm::errs() << "gradus: error: '--at': " << error << '\n';
      return std::nullopt;
    }
    point.push_back(std::move(given));
  }
  return point;
}

static std::string writeNumber(double x) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", x);
  return text;
}

static std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

static std::string describeShape(ArrayType type) {
  std::string text;
  for (Attribute dim : type.getShape()) {
    auto symbol = dyn_cast<StringAttr>(dim);
    text += (text.empty() ? "" : ", ") + (symbol ? symbol.getValue().str() : std::to_string(cast<IntegerAttr>(dim).getInt()));
  }
  return "[" + text + "]";
}

/// Takes the sizes that an array tells; false where it does not fit.
static bool matchShape(ArrayType type, ArrayRef<int64_t> shape, llvm::StringMap<int64_t> &sizes) {
  if (type.getRank() != static_cast<int64_t>(shape.size()))
    return false;
  for (auto [dim, size] : llvm::zip_equal(type.getShape(), shape)) {
    if (isFormula(dim))
      continue;
    auto symbol = dyn_cast<StringAttr>(dim);
    if (symbol ? sizes.try_emplace(symbol.getValue(), size).first->second != size : cast<IntegerAttr>(dim).getInt() != size)
      return false;
  }
  return true;
}

/// Where one symbol of a formula is not known, a size of it with which the axis has the given one.
static void solveFormulas(ArrayType type, ArrayRef<int64_t> shape, llvm::StringMap<int64_t> &sizes) {
  for (auto [dim, size] : llvm::zip_equal(type.getShape(), shape)) {
    if (!isFormula(dim))
      continue;
    std::vector<std::string> unknown;
    for (const std::string &symbol : DimExpr::of(dim).getSymbols())
      if (!sizes.contains(symbol))
        unknown.push_back(symbol);
    for (int64_t n = 0; unknown.size() == 1 && n <= 16 * size + 16 && !sizes.contains(unknown[0]); ++n) {
      llvm::StringMap<int64_t> tried = sizes;
      tried[unknown[0]] = n;
      if (sizeOfDim(dim, tried) == size)
        sizes = std::move(tried);
    }
  }
}

/// The first argument that lies farther from its set than decimals explain; empty if there is none.
static std::string findOutside(FuncOp func, FuncOp sets, const std::vector<reference::Array<double>> &args) {
  std::string error;
  auto nearest = reference::takeToSets<double>(sets, func, args, error);
  for (unsigned i = 0; succeeded(nearest) && i < args.size(); ++i)
    for (auto [x, there] : llvm::zip_equal(args[i].reals, (*nearest)[i].reals))
      if (!(std::fabs(x - there) <= 1e-6 * std::fmax(1, std::fabs(x))))
        return func.getArgName(i).str();
  return "";
}

std::optional<std::vector<reference::Array<double>>> placePoint(FuncOp func, FuncOp sets, const GivenPoint &point, uint64_t seed, bool &isWrong) {
  llvm::StringMap<int64_t> sizes;
  SmallVector<std::pair<unsigned, const GivenArray *>> taken;
  auto refuse = [&](const Twine &what) -> std::optional<std::vector<reference::Array<double>>> {
    isWrong = true;
    func.emitError("G0564: ") << what;
    return std::nullopt;
  };
  for (const GivenArray &given : point)
    for (unsigned i = 0; i < func.getNumArguments(); ++i) {
      if (func.getArgName(i) != given.name)
        continue;
      auto type = cast<ArrayType>(func.getArgumentTypes()[i]);
      if (!matchShape(type, given.values.shape, sizes))
        return refuse("'" + given.name + "' of '" + func.getSymName() + "' has the shape " + describeShape(type) + ", but '--at' gives " +
                      describeShape(given.values.shape) + "; sizes of one name agree among all arguments");
      taken.push_back({i, &given});
    }
  if (taken.empty())
    return std::nullopt;
  for (auto [i, given] : taken)
    solveFormulas(cast<ArrayType>(func.getArgumentTypes()[i]), given->values.shape, sizes);
  auto args = reference::makeRandomPoint(func, {seed, false, sizes, sets});
  for (auto [i, given] : taken) {
    reference::Array<double> &array = args[i];
    if (array.shape != given->values.shape)
      return refuse("'" + given->name + "' of '" + func.getSymName() + "' has the shape " + describeShape(cast<ArrayType>(func.getArgumentTypes()[i])) +
                    ", and no sizes make that " + describeShape(given->values.shape));
    auto interval = func.getArgAttrOfType<IntervalAttr>(i, "gradus.interval");
    for (double x : given->values.reals)
      if (interval && !interval.contains(x))
        return refuse("'" + given->name + "' of '" + func.getSymName() + "' lies in an interval, but '--at' gives " + writeNumber(x) + ", which is outside of it");
    if (array.kind == reference::Kind::Real) {
      array.reals = given->values.reals;
      continue;
    }
    for (auto [whole, number] : llvm::zip_equal(array.ints, given->values.reals)) {
      whole = static_cast<int64_t>(number);
      if (static_cast<double>(whole) != number)
        return refuse("'" + given->name + "' of '" + func.getSymName() + "' holds whole numbers, but '--at' gives " + writeNumber(number));
    }
  }
  if (std::string outside = sets ? findOutside(func, sets, args) : ""; !outside.empty())
    return refuse("'" + outside + "' of '" + func.getSymName() + "' lies in a set, but the point is outside of it");
  return args;
}

} // namespace gradus::driver
