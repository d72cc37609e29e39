//===- Value.h - What an expression evaluates to ------------------*- C++ -*-===//
//
// Elaboration evaluates expressions in environments. The value of an expression is an Entity: mostly an Array, that is
// SSA values in the making, else something that exists at compile time only, as a function or a rule. A default
// Entity is poison: an error has been reported, and whoever meets it stays silent.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_VALUE_H
#define GRADUS_LANG_VALUE_H

#include "lang/Ast.h"

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace gradus::lang {

class Scope;
struct Builtin;
struct Constant;
struct Objective;

/// An index of index notation. Its range is the common size of the axes at which it stands bare.
struct IndexVar {
  std::string name;
  Location loc;
  /// The range, null until an axis has given it, and the place of that axis.
  mlir::Attribute dim;
  Location dimLoc;
  /// Indices are ordered by the place at which they were bound.
  unsigned id = 0;
  /// Sizes of longer axes at which it may stand bare, since it stands there shifted, too.
  llvm::SmallVector<mlir::Attribute, 1> longer = {};
  /// It stands bare at an axis of a value that failed: its range is not missed.
  bool isPoison = false;
};

/// bool counts as int, int as float.
enum class Kind { Bool, Int, Float };

/// One array, or one for each tensor of a rule's collection (a lane each). In index notation the indices on which
/// the value depends are its leading axes, ascending by id; the rest are its own. No lane: poison.
struct Array {
  llvm::SmallVector<mlir::Value, 1> lanes = {};
  /// The value belongs to a tensor; otherwise it is one for the whole collection.
  bool isEach = false;
  /// All lanes together are one vector (`joint param`).
  bool isJoint = false;
  llvm::SmallVector<IndexVar *, 2> axes = {};

  bool isPoison() const { return lanes.empty(); }
  mlir::Value lane(size_t k) const { return lanes.size() == 1 ? lanes.front() : lanes[k]; }
};

/// A complex array: two real ones of one shape and the same indices.
struct Complex {
  Array re, im;
};

class Entity;

/// A fn, a loss, a schedule, a local function or a lambda, with the scope in which it was written.
struct Closure {
  std::string name;
  Location loc;
  /// Identifies the declaration, for recursion.
  const void *decl = nullptr;
  const ast::Function *unit = nullptr;
  const std::vector<ast::Param> *params = nullptr;
  /// Of a lambda, which has no params of its own.
  std::vector<ast::Param> lambdaParams;
  const std::vector<ast::Subscript> *indices = nullptr;
  const ast::Expr *value = nullptr;
  const ast::Block *block = nullptr;
  /// Of a function that the compiler makes: its value, with the arguments bound in the scope.
  std::function<Entity(Scope &inner, Location at)> emit;
  Scope *scope = nullptr;
  /// An objective that a rule may ask (`over f`): what its calls mean.
  const Objective *objective = nullptr;
  bool isSchedule() const { return unit && unit->function == ast::FunctionKind::Schedule; }
};

/// An expression to be evaluated where it was written, at the time when it is needed.
struct Delayed {
  const ast::Expr *expr = nullptr;
  Scope *scope = nullptr;
};

/// What a call binds to a name; null where it binds nothing.
inline const Delayed *findBound(const std::map<std::string, Delayed> &bound, const std::string &name) {
  auto it = bound.find(name);
  return it == bound.end() ? nullptr : &it->second;
}

/// A rule with what its call binds: `adamw(lr = 1e-2)`.
struct RuleCall {
  const ast::Rule *rule = nullptr;
  /// The scope of the file that declares the rule.
  Scope *home = nullptr;
  Location loc;
  /// By the name of the parameter or oracle.
  std::map<std::string, Delayed> bound;
  /// The arguments of the rules around it that are what they are by default, outermost first.
  std::vector<const ast::Param *> defaults = {};
  /// The entry that is meant, of a rule with `on`.
  const ast::OnStmt *entry = nullptr;
};

/// A linear map of arrays, as `hess f(w)`. It exists at compile time only: what it makes of an array is emitted where it is applied.
struct LinearOperator {
  using Map = std::function<Array(const Array &u, Location at)>;
  /// As the spec writes it, for messages.
  std::string text;
  Location loc;
  /// A u, and v A.
  Map apply, applyTransposed;
  /// Arrays of the shapes that it takes and gives.
  Array domain, range;
};

/// The names of a rule after `step` or `run`.
struct Record {
  std::map<std::string, Entity> members;
  /// The call of `run` that gave it, to be made again with fewer steps, and its scope.
  const ast::Call *run = nullptr;
  Scope *scope = nullptr;
};

/// The rule that a parameter `base: rule` stands for, inside the wrapping rule.
struct RuleSite;

/// See the file comment.
class Entity {
public:
  using Tuple = std::vector<Entity>;
  Entity() = default;
  Entity(Array array) : data(std::move(array)) {}
  template <typename T>
  Entity(const T *pointer) : data(pointer) {}
  Entity(IndexVar *index) : data(index) {}
  Entity(RuleSite *site) : data(site) {}

  bool isPoison() const { return isArray() && std::get<Array>(data).isPoison(); }
  bool isArray() const { return std::holds_alternative<Array>(data); }
  const Array &array() const { return std::get<Array>(data); }
  /// The pointer of type T, or null.
  template <typename T>
  const T *get() const {
    auto *pointer = std::get_if<const T *>(&data);
    return pointer ? *pointer : nullptr;
  }
  IndexVar *index() const {
    auto *pointer = std::get_if<IndexVar *>(&data);
    return pointer ? *pointer : nullptr;
  }
  RuleSite *site() const {
    auto *pointer = std::get_if<RuleSite *>(&data);
    return pointer ? *pointer : nullptr;
  }
  /// "a number", "a function", "a rule", for messages.
  llvm::StringRef what() const;

private:
  std::variant<Array, const Closure *, const RuleCall *, const Record *, const Tuple *, const Builtin *, const ast::Rule *,
               const ast::Like *, const ast::Train *, IndexVar *, RuleSite *, const LinearOperator *, const Complex *, const Constant *>
      data;
};

} // namespace gradus::lang

#endif // GRADUS_LANG_VALUE_H
