//===- Session.cpp - Sizes, errors and index arithmetic of an evaluation -------===//

#include "codegen/reference/Frame.h"

#include "dialect/DimExpr.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace gradus;
using namespace gradus::reference;

std::string reference::describeLocation(Location location) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    out << file.getFilename().getValue() << ':' << file.getLine() << ':' << file.getColumn() << ": ";
  return text;
}

Kind reference::kindOf(Type type) {
  auto array = llvm::cast<ArrayType>(type);
  return array.isFloat() ? Kind::Real : array.isBool() ? Kind::Bool : Kind::Integer;
}

Shape reference::unflatten(int64_t flat, ArrayRef<int64_t> shape) {
  Shape index(shape.size(), 0);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 1; axis >= 0; --axis) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

Shape reference::stridesOf(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (int64_t axis = static_cast<int64_t>(shape.size()) - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

std::vector<int64_t> reference::stridedOffsets(ArrayRef<int64_t> shape, ArrayRef<int64_t> strides) {
  std::vector<int64_t> offsets(countElements(shape));
  Shape at(shape.size(), 0);
  int64_t offset = 0;
  for (int64_t &element : offsets) {
    element = offset;
    for (int64_t axis = static_cast<int64_t>(shape.size()) - 1; axis >= 0; --axis) {
      offset += strides[axis];
      if (++at[axis] < shape[axis])
        break;
      offset -= strides[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return offsets;
}

bool reference::reducesOverSlots(Region &region) {
  return region.walk([](AllReduceOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

LogicalResult Session::fail(Operation *op, const Twine &reason) {
  error = describeLocation(op->getLoc()) + op->getName().getStringRef().str() + ": " + reason.str();
  return failure();
}

/// The most elements of one array: 2 GiB of doubles.
static constexpr int64_t mostElements = int64_t(1) << 28;

static std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << '[';
  llvm::interleaveComma(shape, out);
  out << ']';
  return text;
}

LogicalResult Session::resolve(Operation *op, ArrayRef<Attribute> dims, unsigned slot, Shape &shape) {
  shape.clear();
  int64_t count = 1;
  for (Attribute dim : dims) {
    std::optional<int64_t> size = sizeOfDim(dim, sizes[slot]);
    if (!size && isFormula(dim))
      return fail(op, "the dimension '" + llvm::cast<StringAttr>(dim).getValue() + "' is no size here");
    if (!size)
      return fail(op, "no argument gives the dimension '" + llvm::cast<StringAttr>(dim).getValue() + "' a size");
    shape.push_back(*size);
    if (__builtin_mul_overflow(count, shape.back(), &count) || count > mostElements)
      return fail(op, "the array of shape " + describeShape(shape) + " is too large for the reference evaluator");
  }
  return success();
}

LogicalResult Session::resolveReshape(Operation *op, ArrayRef<Attribute> dims, int64_t count, unsigned slot, Shape &shape) {
  StringAttr unknown;
  int64_t known = 1;
  for (Attribute dim : dims) {
    auto symbol = dyn_cast<StringAttr>(dim);
    if (symbol && !sizeOfDim(dim, sizes[slot]) && !isFormula(dim) && !unknown) {
      unknown = symbol;
      continue;
    }
    Shape one;
    if (symbol != unknown && failed(resolve(op, dim, slot, one)))
      return failure();
    known *= one.empty() ? 1 : one[0];
  }
  if (unknown && known != 0 && count % known == 0)
    sizes[slot][unknown.getValue()] = count / known;
  if (failed(resolve(op, dims, slot, shape)))
    return failure();
  if (countElements(shape) != count)
    return fail(op, "cannot make the shape " + describeShape(shape) + " of " + Twine(count) + " elements");
  return success();
}

static StringRef describeKind(Kind kind) {
  return kind == Kind::Real ? "floating" : kind == Kind::Bool ? "boolean" : "integer";
}

LogicalResult Session::bind(FuncOp func, unsigned slot, ArrayRef<ArrayRef<int64_t>> shapes, ArrayRef<Kind> kinds) {
  unsigned expected = func.getNumArguments();
  SmallVector<std::pair<Attribute, int64_t>> formulas;
  if (shapes.size() != expected)
    return fail(func, "expects " + Twine(expected) + " arguments, but got " + Twine(shapes.size()));
  for (unsigned i = 0; i < expected; ++i) {
    auto type = llvm::cast<ArrayType>(func.getArgumentTypes()[i]);
    std::string what = ("argument '" + func.getArgName(i) + "' ").str();
    if (kinds[i] != kindOf(type))
      return fail(func, Twine(what) + "expects " + describeKind(kindOf(type)) + " elements, but got " + describeKind(kinds[i]) + " ones");
    if (static_cast<int64_t>(shapes[i].size()) != type.getRank())
      return fail(func, Twine(what) + "expects " + Twine(type.getRank()) + " axes, but got the shape " + describeShape(shapes[i]));
    for (auto [dim, size] : llvm::zip(type.getShape(), shapes[i])) {
      if (isFormula(dim)) {
        formulas.push_back({dim, size});
        continue;
      }
      auto symbol = dyn_cast<StringAttr>(dim);
      int64_t wanted = symbol ? sizes[slot].try_emplace(symbol.getValue(), size).first->second : llvm::cast<IntegerAttr>(dim).getInt();
      if (wanted != size)
        return fail(func, Twine(what) + "has the shape " + describeShape(shapes[i]) + ", but '" +
                              (symbol ? symbol.getValue().str() : std::to_string(wanted)) + "' is " + Twine(wanted) + " here");
    }
  }
  solveSizes(formulas, sizes[slot]);
  for (auto [dim, size] : formulas) {
    std::optional<int64_t> wanted = sizeOfDim(dim, sizes[slot]);
    StringRef text = llvm::cast<StringAttr>(dim).getValue();
    bool isOpaque = !llvm::all_of(DimExpr::of(dim).getSymbols(), [&](const std::string &symbol) { return sizes[slot].contains(symbol); });
    if (isOpaque)
      wanted = sizes[slot].try_emplace(text, size).first->second;
    if (wanted != size)
      return fail(func, "an argument has the size " + Twine(size) + ", but '" + text + "' is " + (wanted ? std::to_string(*wanted) : "no size") + " here");
  }
  for (unsigned i = 0; i < expected; ++i) // the tensors of a rank-polymorphic rule count their elements
    sizes[slot].try_emplace((func.getArgName(i) + ".numel").str(), countElements(shapes[i]));
  return success();
}
