//===- EmitStorage.cpp - How the application keeps a tensor --------------------===//
//
// `param w: bf16 stochastic` changes the buffer and nothing else: widened where it is read, rounded once where the step commits, to the
// nearest or by a draw of the site `rule.w.rounding`. A next value that is read in its own step is not rounded. `u8 blocks(256)` keeps codes
// of 8 bits with a scale for each 256 numbers: gradus.encode where the step commits. What has rank 0 has no blocks and stays a number.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::dyn_cast;
using mlir::Value;

/// The N of `blocks(N)`; null for another word, or where N is no size of a block.
static std::optional<int64_t> blockSizeOf(const ast::Storage &word) {
  auto *number = llvm::dyn_cast_or_null<ast::Number>(word.argument.get());
  bool isSize = !word.isLike && word.name.name == "blocks" && number && number->isInteger && llvm::isPowerOf2_64(number->integer) &&
                number->integer >= BlocksType::least && number->integer <= BlocksType::most;
  return isSize ? std::optional(number->integer) : std::nullopt;
}

static bool isWord(const ast::Storage *word, llvm::StringRef name) { return word && !word->isLike && word->name.name == name; }

/// `u8 blocks(N)`, at the word `u8`, `i8` or `blocks`. True if there is nothing to refuse.
bool Elaborator::checkBlocks(llvm::ArrayRef<ast::Storage> words, size_t position, bool isKept) {
  const ast::Storage &word = words[position];
  const ast::Storage *before = position > 0 ? &words[position - 1] : nullptr, *after = position + 1 < words.size() ? &words[position + 1] : nullptr;
  bool isPair = isWord(&word, "u8") ? isWord(after, "blocks") : isWord(&word, "blocks") && isWord(before, "u8");
  if (!isPair) {
    error(Code::BlockWords, word.loc, "codes of 8 bits come in blocks that share a scale, written 'u8 blocks(N)', but here stands '" + word.name.name + "'")
        .suggest("write 'u8 blocks(256)'; the code has a sign where the block needs one");
    return false;
  }
  if (isWord(&word, "blocks") && !blockSizeOf(word)) {
    error(Code::BlockWords, word.loc, "the size of a block must be a power of 2 from 16 to 4096, written as a number").suggest("blocks(256)");
    return false;
  }
  if (!isKept)
    error(Code::BlocksReadOnly, word.loc, "blocks are how a step keeps what it writes: a state, or a param of a rule; this is only read").suggest("drop 'u8 blocks(..)', or take bf16");
  return isKept;
}

/// The type words that a parameter may have; null after an error, Float for no word. `isKept`: a step writes it.
std::optional<Kind> Elaborator::kindOfType(const std::optional<ast::Type> &type, const ast::Expr *defaultValue, bool isKept) {
  if (!type || type->storage.empty())
    return defaultValue && llvm::isa<ast::Bool>(defaultValue) ? Kind::Bool : Kind::Float;
  std::optional<Kind> kind;
  for (const ast::Storage &word : type->storage) {
    if (word.isLike) {
      kind = Kind::Float;
      continue;
    }
    if (word.name.name == "stochastic") {
      const ast::Storage *before = &word == &type->storage.front() ? nullptr : &word - 1;
      if (before && !before->isLike && (before->name.name == "bf16" || before->name.name == "f16"))
        continue;
      error(Code::StorageWord, word.loc, "'stochastic' says how to round to 16 bits").suggest("write 'bf16 stochastic' or 'f16 stochastic'");
      return std::nullopt;
    }
    auto known = llvm::StringSwitch<std::optional<Kind>>(word.name.name)
                     .Cases({"i32", "i64", "int"}, Kind::Int)
                     .Case("bool", Kind::Bool)
                     .Cases({"bf16", "f16", "f32", "f64", "real"}, Kind::Float)
                     .Default(std::nullopt);
    bool isOfBlocks = llvm::StringSwitch<bool>(word.name.name).Cases({"blocks", "i8", "u8"}, true).Default(false);
    if (isOfBlocks && !checkBlocks(type->storage, &word - type->storage.data(), isKept))
      return std::nullopt;
    if (isOfBlocks)
      known = Kind::Float;
    if (!known) {
      std::string hint = didYouMean(word.name.name, std::vector<std::string>{"bf16", "bool", "f16", "f32", "f64", "i32", "i64", "int", "real", "u8"});
      error(Code::UnknownType, word.loc, "unknown type '" + word.name.name + "'")
          .suggest(hint.empty() ? "a type is real, f64, f32, f16, bf16, int, i64, i32 or bool" : hint);
      return std::nullopt;
    }
    kind = known;
  }
  return kind;
}

/// What the words of a type say about storage; kindOfType has reported what they cannot say.
Storage Elaborator::storageOf(const std::optional<ast::Type> &type) {
  Storage storage;
  for (const ast::Storage &word : type ? llvm::ArrayRef<ast::Storage>(type->storage) : llvm::ArrayRef<ast::Storage>()) {
    if (word.isLike)
      continue;
    if (word.name.name == "stochastic") {
      storage.isStochastic = true;
      continue;
    }
    if (std::optional<int64_t> size = blockSizeOf(word)) {
      storage.element = BlocksType::get(builder.getContext(), *size);
      continue;
    }
    storage.element = llvm::StringSwitch<mlir::Type>(word.name.name)
                          .Case("bf16", builder.getBF16Type())
                          .Case("f16", builder.getF16Type())
                          .Case("f32", builder.getF32Type())
                          .Case("f64", builder.getF64Type())
                          .Case("i32", builder.getI32Type())
                          .Default(storage.element);
  }
  return storage;
}

std::string Elaborator::paramName(const ast::Rule &rule, size_t position) {
  for (const ast::StmtPtr &stmt : rule.block.statements)
    if (auto *params = dyn_cast<ast::ParamStmt>(stmt.get())) {
      if (position < params->decls.size())
        return params->decls[position].name.name;
      position -= params->decls.size();
    }
  return "";
}

/// A rule that says nothing leaves it to the rule that it wraps.
Storage Elaborator::paramStorage(const RuleCall &call, size_t position) {
  size_t next = 0;
  for (const ast::StmtPtr &stmt : call.rule->block.statements) {
    auto *params = dyn_cast<ast::ParamStmt>(stmt.get());
    for (const ast::Decl &decl : params ? llvm::ArrayRef<ast::Decl>(params->decls) : llvm::ArrayRef<ast::Decl>())
      if (next++ == position)
        if (Storage own = storageOf(decl.type); own.element)
          return own;
  }
  for (const ast::Param &param : call.rule->params) {
    if (!param.type || param.type->kind != ast::TypeKind::Rule)
      continue;
    const RuleCall *inner = wrappedRule(call, param, *call.home);
    if (Storage wrapped = inner ? paramStorage(*inner, position) : Storage(); wrapped.element)
      return wrapped;
  }
  return {};
}

/// A single number has no blocks.
static bool isStoredAs(ArrayType type, mlir::Type element) { return element && !(type.isScalar() && llvm::isa<BlocksType>(element)); }

ArrayType Elaborator::storedType(ArrayType type, const Storage &storage) { return isStoredAs(type, storage.element) ? type.withElement(storage.element) : type; }

/// The element type of an argument of a unit: what is declared, else what --dtype says of arrays of real numbers.
mlir::Type Elaborator::argumentElement(const std::optional<ast::Type> &type, Kind kind, size_t rank) {
  if (mlir::Type declared = storageOf(type).element)
    return declared;
  return kind == Kind::Float && rank > 0 ? real : elementOf(kind, rank);
}

/// Only what a step writes is rounded. True if there is nothing to refuse.
bool Elaborator::refuseStochastic(const std::optional<ast::Type> &type, llvm::StringRef what) {
  for (const ast::Storage &word : type ? llvm::ArrayRef<ast::Storage>(type->storage) : llvm::ArrayRef<ast::Storage>())
    if (!word.isLike && word.name.name == "stochastic") {
      error(Code::StorageWord, word.loc, "'stochastic' says how a step rounds what it writes, but " + what.str() + " is only read").suggest("drop it");
      return false;
    }
  return true;
}

/// `bits` are those of a draw; null for the nearest number.
Value Elaborator::roundTo(Value x, mlir::Type element, Value bits, Location at) {
  if (!isStoredAs(typeOf(x), element))
    return x;
  if (llvm::isa<BlocksType>(element))
    return EncodeOp::create(builder, place(at), typeOf(x).withElement(element), x);
  return bits ? StochasticCastOp::create(builder, place(at), typeOf(x).withElement(element), x, bits) : castTo(x, element, at);
}

/// A value as the application keeps it. `name` is that of the param, or the path of the state.
Array Elaborator::store(const Array &x, const Storage &storage, const std::string &name, const RuleRun &run, Location at) {
  if (!storage.element || x.isPoison())
    return x;
  Array bits, result = x;
  if (storage.isStochastic) {
    llvm::SaveAndRestore atWork(currentRun, &run);
    DrawShape shape{{}, x.isEach, x.isJoint, {}};
    for (Value lane : x.lanes)
      shape.lanes.push_back(Shape(typeOf(lane).getShape()));
    DrawSource source{nullptr, nullptr, run.root + "." + name + ".rounding", {}};
    bits = emitDraws(DrawKind::Bits, source, {}, shape, run.time, at);
  }
  for (auto [k, lane] : llvm::enumerate(result.lanes))
    lane = roundTo(lane, storage.element, bits.isPoison() ? Value() : bits.lane(k), at);
  return result;
}

/// What is kept, in the type of the arithmetic.
Array Elaborator::load(const Array &x, Location at) {
  Array result = x;
  for (Value &lane : result.lanes)
    lane = castTo(lane, elementOf(kindOf(lane), typeOf(lane).getRank()), at);
  return result;
}
