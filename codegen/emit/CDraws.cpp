//===- CDraws.cpp - Draws as C ---------------------------------------------------===//
//
// A draw is a key in a variable of its name and a function of key and element.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CName.h"
#include "codegen/emit/CWriter.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gradus {

/// The name that the source gives what is drawn; none for other values.
std::string CWriter::nameDrawn(Value value) {
  auto draw = value.getDefiningOp<DrawOp>();
  if (!draw)
    return "";
  std::string name = toIdentifier(nameOfSite(draw));
  return name.size() < 2 || !findMeaningInC(name).empty() ? name + "_drawn" : name;
}

/// A literal of the bytes of a site, which may have letters beyond ASCII.
static std::string quoteSite(StringRef site) {
  std::string text = "\"";
  for (unsigned char c : site)
    text += c < 128 ? std::string(1, static_cast<char>(c)) : llvm::formatv("\\{0}{1}{2}", c >> 6, c >> 3 & 7, c & 7).str();
  return text + "\"";
}

LogicalResult CWriter::writeDraw(DrawOp op) {
  ArrayType type = arrayType(op.getY());
  if (op->hasAttr("each") || op.getDistribution() == DrawKind::Bits || (type.isFloat() && !type.getElementType().isF64()))
    return op.emitError("G0555: a draw of a rule, or in f32, is not written as C");
  Result time = element(op.getTime(), {});
  if (failed(time))
    return failure();
  std::string key = helper("draw_key") + "(seed, " + time->text + ", " + quoteSite(op.getSite()) + ")";
  for (auto [index, own] : llvm::enumerate(op.getKeys())) {
    Result pass = element(own, {});
    if (failed(pass))
      return failure();
    key = helper("pass_key") + "(" + key + ", " + pass->text + ", " + std::to_string(index + 1) + ")";
  }
  std::string name = names.fresh(toIdentifier(nameOfSite(op)) + "_key");
  write("const uint64_t " + name + " = " + key + ";");
  drawKeys[op.getY()] = name;
  if (op.getDistribution() == DrawKind::Categorical && failed(nameAsDoubles(op.getParameters().front())))
    return failure();
  return mustBeStored(op.getY()) ? store(op.getY()) : success();
}

/// draw_normal(e_key, i), with the parameters of the distribution behind the element.
CWriter::Result CWriter::callDraw(DrawOp op, Indices indices) {
  ArrayType type = arrayType(op.getY());
  std::string name = helper(("draw_" + stringifyDrawKind(op.getDistribution())).str());
  SmallVector<std::string> arguments{drawKeys.lookup(op.getY()), flatten(indices, type.getShape())};
  if (op.getDistribution() == DrawKind::Permutation)
    arguments.push_back(sizeOf(type.getShape().front()));
  for (Value parameter : op.getParameters()) {
    bool isArray = !arrayType(parameter).isScalar();
    FailureOr<std::string> array = isArray ? nameAsDoubles(parameter) : FailureOr<std::string>(std::string());
    Result number = isArray ? Result(Text{succeeded(array) ? *array : ""}) : element(parameter, {});
    if (failed(array) || failed(number))
      return failure();
    arguments.push_back(number->text);
    if (isArray)
      arguments.push_back(sizeOf(arrayType(parameter).getShape().front()));
  }
  return Text{name + "(" + llvm::join(arguments, ", ") + ")"};
}

} // namespace gradus
