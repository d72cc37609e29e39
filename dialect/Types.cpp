//===- Types.cpp - !gradus.array<[n, 64], f32> --------------------------------===//

#include "dialect/Gradus.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gradus;

#define GET_TYPEDEF_CLASSES
#include "dialect/GradusTypes.cpp.inc"

void GradusDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/GradusTypes.cpp.inc"
      >();
}

bool ArrayType::isBlocks() const { return isa<BlocksType>(getElementType()); }

LogicalResult BlocksType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t size) {
  if (!llvm::isPowerOf2_64(size) || size < least || size > most) // blocks_c1
    return emitError() << "expects blocks of a power of 2 from " << least << " to " << most << " numbers, but got " << size;
  return success();
}

ArrayType ArrayType::dropAxes(ArrayRef<int64_t> axes) const {
  SmallVector<Attribute> kept;
  for (auto [axis, dim] : llvm::enumerate(getShape()))
    if (!llvm::is_contained(axes, static_cast<int64_t>(axis)))
      kept.push_back(dim);
  return get(kept, getElementType());
}

LogicalResult ArrayType::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<Attribute> shape, Type elementType) {
  if (!isa<BlocksType, Float16Type, BFloat16Type, Float32Type, Float64Type>(elementType) && !elementType.isInteger(1) &&
      !elementType.isInteger(32) && !elementType.isInteger(64))
    return emitError() << "expects an element type of f16, bf16, f32, f64, i32, i64, i1 or blocks, but got " << elementType;
  if (shape.size() > 8)
    return emitError() << "expects at most 8 axes, but got " << shape.size();
  for (Attribute dim : shape) {
    auto size = dyn_cast<IntegerAttr>(dim);
    if (size ? !size.getType().isInteger(64) || size.getInt() < 0 : !isa<StringAttr>(dim))
      return emitError() << "expects a dimension to be a symbol or a size of type i64 that is not negative, but got " << dim;
  }
  return success();
}

/// A keyword that the parser reads back as one token.
static bool isBareIdentifier(StringRef text) {
  if (text.empty() || !(llvm::isAlpha(text.front()) || text.front() == '_'))
    return false;
  return llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.' || c == '$'; });
}

/// [n, 64, "a dim"]
static ParseResult parseShapeList(AsmParser &parser, SmallVectorImpl<Attribute> &shape) {
  Builder builder(parser.getContext());
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    int64_t size;
    if (OptionalParseResult parsed = parser.parseOptionalInteger(size); parsed.has_value()) {
      shape.push_back(builder.getI64IntegerAttr(size));
      return *parsed;
    }
    std::string symbol;
    if (failed(parser.parseKeywordOrString(&symbol)))
      return failure();
    shape.push_back(builder.getStringAttr(symbol));
    return success();
  });
}

static void printShapeList(AsmPrinter &printer, ArrayRef<Attribute> shape) {
  printer << '[';
  llvm::interleaveComma(shape, printer, [&](Attribute dim) {
    auto symbol = dyn_cast<StringAttr>(dim);
    if (!symbol)
      printer << cast<IntegerAttr>(dim).getInt();
    else if (isBareIdentifier(symbol.getValue()))
      printer << symbol.getValue();
    else
      printer.printString(symbol.getValue());
  });
  printer << ']';
}

ParseResult gradus::parseShape(AsmParser &parser, ArrayAttr &shape) {
  SmallVector<Attribute> dims;
  if (parseShapeList(parser, dims))
    return failure();
  shape = ArrayAttr::get(parser.getContext(), dims);
  return success();
}

void gradus::printShape(AsmPrinter &printer, Operation *, ArrayAttr shape) { printShapeList(printer, shape.getValue()); }

Type ArrayType::parse(AsmParser &parser) {
  SmallVector<Attribute> shape;
  Type element;
  if (parser.parseLess() || parseShapeList(parser, shape) || parser.parseComma() || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(parser.getNameLoc()); }, parser.getContext(), ArrayRef<Attribute>(shape), element);
}

void ArrayType::print(AsmPrinter &printer) const {
  printer << '<';
  printShapeList(printer, getShape());
  printer << ", " << getElementType() << '>';
}
