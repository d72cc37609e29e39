//===- Dialect.cpp - Registration, functions and their attributes -------------===//

#include "dialect/Jvp.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gradus;

#include "dialect/GradusDialect.cpp.inc"
#include "dialect/GradusEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/GradusAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/GradusOps.cpp.inc"

void GradusDialect::initialize() {
  registerTypes();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/GradusAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/GradusOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/JvpOps.cpp.inc"
      >();
}

Operation *GradusDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements)
    return nullptr;
  auto op = ConstantOp::create(builder, loc, elements);
  if (op.getType() == type)
    return op;
  op.erase();
  return nullptr;
}

LogicalResult GradusDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned index, NamedAttribute attr) {
  StringRef name = attr.getName().strref();
  auto bad = [&](StringRef expected) {
    return op->emitOpError("argument ") << index << ": '" << name << "' expects " << expected << ", but got " << attr.getValue();
  };
  if (name == "gradus.name" && !isa<StringAttr>(attr.getValue()))
    return bad("a string");
  if (name == "gradus.role" && !isa<RoleAttr>(attr.getValue()))
    return bad("a #gradus.role");
  if (name == "gradus.interval" && !isa<IntervalAttr>(attr.getValue()))
    return bad("a #gradus.interval");
  return success();
}

//===----------------------------------------------------------------------===//
// #gradus.interval<0.0 closed, 1.0 open>
//===----------------------------------------------------------------------===//

static ParseResult parseBound(AsmParser &parser, double &value, bool &closed) {
  StringRef word;
  if (parser.parseFloat(value) || parser.parseKeyword(&word))
    return failure();
  if (word != "closed" && word != "open")
    return parser.emitError(parser.getCurrentLocation(), "expected 'closed' or 'open', but got '") << word << "'";
  closed = word == "closed";
  return success();
}

Attribute IntervalAttr::parse(AsmParser &parser, Type) {
  double low, high;
  bool lowClosed, highClosed;
  if (parser.parseLess() || parseBound(parser, low, lowClosed) || parser.parseComma() ||
      parseBound(parser, high, highClosed) || parser.parseGreater())
    return {};
  return get(parser.getContext(), APFloat(low), lowClosed, APFloat(high), highClosed);
}

void IntervalAttr::print(AsmPrinter &printer) const {
  auto bound = [&](const APFloat &value, bool closed) {
    printer.printFloat(value);
    printer << (closed ? " closed" : " open");
  };
  printer << '<';
  bound(getLow(), getLowClosed());
  printer << ", ";
  bound(getHigh(), getHighClosed());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// gradus.func
//===----------------------------------------------------------------------===//

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  StringRef word;
  SMLoc at = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  std::optional<FuncKind> kind = symbolizeFuncKind(word);
  if (!kind)
    return parser.emitError(at, "expected the kind of a function, but got '") << word << "'";
  result.addAttribute(getKindAttrName(result.name), FuncKindAttr::get(parser.getContext(), *kind));
  auto buildType = [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) { return builder.getFunctionType(inputs, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name),
                                                  buildType, getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  printer << ' ' << stringifyFuncKind(getKind()) << ' ';
  printer.printSymbolName(getSymName());
  call_interface_impl::printFunctionSignature(printer, getArgumentTypes(), getArgAttrsAttr(), /*isVariadic=*/false,
                                              getResultTypes(), getResAttrsAttr(), &getBody(), /*printEmptyResult=*/false);
  function_interface_impl::printFunctionAttributes(
      printer, *this, {getKindAttrName(), getFunctionTypeAttrName(), getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false, /*printBlockTerminators=*/true);
}

Role FuncOp::getArgRole(unsigned index) { return getArgAttrOfType<RoleAttr>(index, "gradus.role").getValue(); }
Role FuncOp::getResultRole(unsigned index) { return getResultAttrOfType<RoleAttr>(index, "gradus.role").getValue(); }
StringRef FuncOp::getArgName(unsigned index) { return getArgAttrOfType<StringAttr>(index, "gradus.name").getValue(); }
StringRef FuncOp::getResultName(unsigned index) { return getResultAttrOfType<StringAttr>(index, "gradus.name").getValue(); }
int64_t FuncOp::getResultOf(unsigned index) {
  auto of = getResultAttrOfType<IntegerAttr>(index, "gradus.of");
  return of ? of.getInt() : -1;
}
