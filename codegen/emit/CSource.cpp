//===- CSource.cpp - A function as readable C99 ----------------------------------===//
//
// The head and the end of the function, and the small texts that everything is made of.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/CSource.h"

#include "codegen/emit/CName.h"
#include "codegen/emit/CWriter.h"
#include "dialect/DimExpr.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Sizes and places
//===----------------------------------------------------------------------===//

static bool isWhole(StringRef text) {
  return llvm::all_of(text, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

std::string CWriter::sizeOf(Attribute dim) {
  std::string text = DimExpr::of(dim).print();
  if (isWhole(text))
    return text;
  for (auto [word, name] : {std::pair("div(", "floor_div("), std::pair("min(", "size_min("), std::pair("max(", "size_max(")})
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 8)) {
      if (at > 0 && (llvm::isAlnum(text[at - 1]) || text[at - 1] == '_'))
        continue;
      text.replace(at, StringRef(word).size(), name);
      helper(StringRef(name).drop_back());
    }
  return "(" + text + ")";
}

void CWriter::openLoops(Indices indices, ArrayRef<Attribute> shape) {
  for (auto [index, dim] : llvm::zip_equal(indices, shape))
    open("for (int64_t " + index + " = 0; " + index + " < " + sizeOf(dim) + "; ++" + index + ")");
}

void CWriter::closeLoops(size_t count) {
  while (count-- > 0)
    close();
}

std::string CWriter::flatten(Indices indices, ArrayRef<Attribute> shape) {
  std::string place;
  for (auto [index, dim] : llvm::zip_equal(indices, shape)) {
    if (place.empty() || place == "0") {
      place = index;
      continue;
    }
    place = (isWhole(place) ? place : "(" + place + ")") + " * " + sizeOf(dim);
    if (index != "0")
      place += " + " + index;
  }
  return place.empty() ? "0" : place;
}

CWriter::Text CWriter::read(const std::string &name, const std::string &text) {
  std::string reads = kept.lookup(name);
  return Text{reads.empty() ? text : helper(reads) + "(" + text + ")"};
}

void CWriter::comment(Location loc) {
  std::string text = quote ? quote(loc) : "";
  if (text.empty() || text == lastComment)
    return;
  lastComment = text;
  for (const char *mark : {"*/", "/*"}) // the one would end this comment, the other looks like a second one
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
      text.insert(at + 1, " ");
  write("/* " + text + " */");
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

static std::set<std::string> findSizes(FuncOp func) {
  std::set<std::string> sizes;
  auto add = [&](Type type) {
    for (Attribute dim : cast<ArrayType>(type).getShape())
      if (isa<StringAttr>(dim))
        for (const std::string &name : DimExpr::of(dim).getSymbols())
          sizes.insert(name);
  };
  llvm::for_each(func.getArgumentTypes(), add);
  llvm::for_each(func.getResultTypes(), add);
  return sizes;
}

void CWriter::nameArguments() {
  std::set<std::string> taken = findSizes(func);
  for (const CHelper &own : getCHelpers())
    taken.insert(own.name.str());
  taken.insert({"log_table", "quantile_table", "seed", "workspace"});
  for (const std::string &word : taken)
    names.reserve(word);
  auto free = [&](StringRef name) {
    std::string own = toIdentifier(name);
    while (!findMeaningInC(own).empty() || !taken.insert(own).second)
      own += "_";
    names.reserve(own);
    return own;
  };
  for (auto [index, argument] : llvm::enumerate(func.getArguments()))
    names.setExactly(argument, free(func.getArgName(index)));
  for (Value argument : func.getArguments())
    if (Type element = arrayType(argument).getElementType(); !arrayType(argument).isScalar() && !element.isF64() && !element.isInteger(64))
      kept[names.get(argument)] = element.isF16() ? "from_f16" : element.isBF16() ? "from_bf16" : "";
  Operation *end = func.getBody().front().getTerminator();
  for (auto [index, value] : llvm::enumerate(end->getOperands())) {
    if (index == 0)
      continue;
    std::string name = free(func.getResultName(index));
    outputs.push_back({name, arrayType(value)});
    if (value.getDefiningOp() && value.getParentBlock() == &func.getBody().front() && !arrayType(value).isScalar())
      results.insert({value, name});
  }
}

std::string CWriter::describeArgument(unsigned index) {
  auto type = cast<ArrayType>(func.getArgumentTypes()[index]);
  std::string name = names.get(func.getArgument(index));
  if (type.isScalar())
    return typeOf(type).str() + " " + name;
  Type element = type.getElementType();
  StringRef word = element.isInteger(32) ? "int32_t" : element.isF32() ? "float" : element.isF64() ? "double" : type.isInt() ? "int64_t" : type.isBool() ? "uint8_t" : "uint16_t";
  return ("const " + word + " *" + name).str();
}

std::string CWriter::writeSizes() {
  SmallVector<std::string> sizes;
  for (const std::string &size : findSizes(func))
    sizes.push_back("int64_t " + size);
  return llvm::join(sizes, ", ");
}

/// Copies to their places the results that are not made there.
LogicalResult CWriter::writeResults() {
  Operation *end = func.getBody().front().getTerminator();
  for (auto [value, output] : llvm::zip_equal(end->getOperands().drop_front(), outputs)) {
    auto made = results.find(value);
    if (made != results.end() && made->second == output.first)
      continue;
    if (failed(assign(output.second.isScalar() ? "*" + output.first : output.first, value)))
      return failure();
  }
  FailureOr<Text> value = element(end->getOperand(0), {});
  if (failed(value))
    return failure();
  write("return " + value->text + ";");
  return success();
}

/// Whether a word stands in a text, comments aside.
static bool mentions(StringRef text, StringRef word) {
  for (size_t at = findWord(text, word); at != StringRef::npos; at = findWord(text, word, at + 1)) {
    StringRef before = text.take_front(at);
    if (before.count("/*") == before.count("*/"))
      return true;
  }
  return false;
}

std::string CWriter::countOf(ArrayType type) {
  SmallVector<std::string> sizes;
  for (Attribute dim : type.getShape())
    sizes.push_back(sizeOf(dim));
  return llvm::join(sizes, " * ");
}

/// The function that tells how large the workspace is.
std::string CWriter::writeWorkspace(const std::string &name) {
  DimExpr total = DimExpr::number(0);
  SmallVector<std::string> counts;
  for (const Buffer &buffer : buffers) {
    DimExpr count = DimExpr::number(1);
    for (Attribute dim : buffer.type.getShape())
      count = count * DimExpr::of(dim);
    total = total + count;
    counts.push_back(countOf(buffer.type));
  }
  std::string sum = total.isValid() ? sizeOf(total.toAttr(func.getContext())) : "(" + llvm::join(counts, " + ") + ")", unused;
  for (const std::string &size : findSizes(func))
    unused += mentions(sum, size) ? "" : "  (void)" + size + ";\n";
  std::string sizes = writeSizes();
  return "/* Bytes of the workspace, which is aligned as the memory of malloc. */\nsize_t " + name + "_workspace(" + (sizes.empty() ? "void" : sizes) + ") {\n" + unused +
         "  return 8 * (size_t)" + sum + ";\n}\n\n";
}

/// "double f_grad(int64_t d, const double *w)", in lines that can be read.
std::string CWriter::writeHead(const std::string &name, ArrayRef<std::string> arguments) {
  constexpr size_t longestLine = 140;
  std::string text = "double " + name + "(", line = text;
  const std::string inner(text.size(), ' ');
  text.clear();
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    std::string own = argument + (index + 1 < arguments.size() ? "," : ") {\n");
    if (index > 0 && line.size() + own.size() > longestLine) {
      text += line + "\n";
      line = inner + own;
    } else {
      line += (index > 0 ? " " : "") + own;
    }
  }
  return text + (arguments.empty() ? line + "void) {\n" : line);
}

/// What the function is: "The value of f, and its derivative in w, b."
std::string CWriter::writeSummary() {
  StringRef of = func.getSymName();
  if (!of.consume_back(".grad"))
    return "";
  SmallVector<std::string> variables;
  for (unsigned index = 1; index < func.getNumResults(); ++index)
    variables.push_back(func.getResultName(index).drop_front(func.getResultName(index).starts_with("grad_") ? 5 : 0).str());
  return "/* The value of " + of.str() + ", and its derivative in " + llvm::join(variables, ", ") + ". */\n";
}

/// Whether a text calls the function `word`.
static bool calls(StringRef text, StringRef word) {
  for (size_t at = findWord(text, word); at != StringRef::npos; at = findWord(text, word, at + 1))
    if (text.substr(at + word.size()).starts_with("("))
      return true;
  return false;
}

/// A text with what it includes and the helpers that it calls, and those that they call, before it; behind it the constants that these read.
std::string CWriter::wrapHelpers(const std::string &text) {
  for (const CHelper &own : llvm::reverse(getCHelpers()))
    if (helpers.count(own.name.str()))
      for (const CHelper &other : getCHelpers())
        if (other.name != own.name && calls(own.text, other.name))
          helpers.insert(other.name.str());
  std::string before, behind;
  for (const CHelper &own : getCHelpers()) {
    if (!helpers.count(own.name.str()))
      continue;
    before += own.text.str() + "\n";
    behind += own.table ? own.table() : "";
  }
  std::string includes = "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n";
  if (calls(before, "memcpy"))
    includes += "#include <string.h>\n";
  return includes + "\n" + before + text + behind;
}

FailureOr<std::string> CWriter::run() {
  std::string name = toIdentifier(func.getSymName());
  names.reserve(name);
  nameArguments();
  Operation *end = func.getBody().front().getTerminator();
  if (!arrayType(end->getOperand(0)).isScalar())
    return func.emitError("G0555: only what gives a number first is written as C");
  for (auto [index, type] : llvm::enumerate(func.getArgumentTypes())) {
    auto array = cast<ArrayType>(type);
    if (!array.isInt() && !array.isBool() && !array.isFloat())
      return func.emitError("G0555: C99 has no arrays of the type of '") << func.getArgName(index) << "'";
  }
  if (failed(writeBlock(func.getBody().front())) || failed(writeResults()))
    return failure();
  SmallVector<std::string> arguments;
  if (std::string sizes = writeSizes(); !sizes.empty())
    arguments.push_back(sizes);
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    arguments.push_back(describeArgument(index));
  if (!drawKeys.empty())
    arguments.push_back("uint64_t seed");
  for (const auto &[output, type] : outputs)
    arguments.push_back(typeOf(type).str() + " *" + output);
  std::string cut, next = "workspace", before;
  for (const Buffer &buffer : buffers) {
    std::string type = buffer.type.isFloat() ? "double" : "int64_t";
    bool isSame = before.empty() || before == type; // C casts no pointer to void
    cut += "  " + type + " *" + buffer.name + " = " + (isSame ? next : "(" + type + " *)(" + next + ")") + ";\n";
    next = buffer.name + " + " + countOf(buffer.type);
    before = type;
  }
  std::string workspace;
  if (!buffers.empty()) {
    arguments.push_back("void *workspace");
    workspace = writeWorkspace(name);
  }
  std::string unused;
  for (const std::string &size : findSizes(func))
    unused += mentions(cut + body, size) ? "" : "  (void)" + size + ";\n";
  for (Value argument : func.getArguments())
    unused += mentions(body, names.get(argument)) ? "" : "  (void)" + names.get(argument) + ";\n";
  return wrapHelpers(workspace + writeSummary() + writeHead(name, arguments) + unused + cut + body + "}\n");
}

FailureOr<std::string> printAsC(FuncOp func, std::function<std::string(Location)> quote) { return CWriter(func, std::move(quote)).run(); }

} // namespace gradus
