//===- Ast.h - the syntax tree ----------------------------------*- C++ -*-===//
//
// The whole language as plain structs, exactly as written: nothing is resolved, checked or simplified here. Aliases (a
// nabla for grad, a typographic prime) are already replaced, so that one name has one spelling. Formulas are in
// AstExpr.h.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_AST_H
#define GRADUS_LANG_AST_H

#include "lang/AstExpr.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gradus::ast {

//===----------------------------------------------------------------------===//
// Types, parameters, declarations
//===----------------------------------------------------------------------===//

/// A size expression, or `q..` for all trailing axes folded into one.
struct Dim {
  Location loc;
  ExprPtr size;
  std::optional<Ident> trailing; ///< the q of `q..`; its size is the name
};

/// One word after the dims: `int`, `bf16`, `stochastic`, `blocks(256)`, `like w`, `like arg x of f`.
struct Storage {
  Location loc;
  bool isLike = false;
  Ident name;               ///< the word, or the name after `like`
  std::optional<Ident> arg; ///< the x of `like arg x of f`; then `name` is f
  ExprPtr argument;         ///< of a word with parentheses, else null
};

enum class TypeKind { Tensor, Rule, Fn, Projection };

struct Type {
  TypeKind kind = TypeKind::Tensor;
  Location loc;
  bool hasDims = false; ///< `[]` has dims, none of them
  std::vector<Dim> dims;
  std::vector<Storage> storage;
};

/// `in [0, 1)`.
struct Interval {
  Location loc;
  ExprPtr low;
  ExprPtr high;
  bool lowOpen = false;
  bool highOpen = false;
};

/// A parameter in a header.
struct Param {
  Location loc;
  bool isSize = false;
  Ident name;
  std::optional<Type> type;
  ExprPtr defaultValue; ///< null if there is none
  std::optional<Interval> interval;
  ExprPtr set; ///< `simplex` or a call, behind `in`; null if there is none
  /// Whether it stands for a rule, a function or a projection, which a call binds and no entry takes.
  bool isFunction() const { return type && type->kind != TypeKind::Tensor; }
};

/// `m: [p] = 0` after param, state, input or const.
struct Decl {
  Location loc;
  Ident name;
  std::optional<Type> type;
  ExprPtr value; ///< null if there is none
};

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

enum class StmtKind {
  Const,
  Param,
  Grad,
  State,
  Input,
  Draw,
  Function,
  Assign,
  Every,
  When,
  On,
  Loop,
  Emit,
  Return,
  Expect,
  Solves,
};

struct Stmt {
  const StmtKind kind;
  Location loc;

  virtual ~Stmt() = default;

protected:
  Stmt(StmtKind kind, Location loc) : kind(kind), loc(loc) {}
};
using StmtPtr = std::unique_ptr<Stmt>;

template <StmtKind K>
struct StmtNode : Stmt {
  explicit StmtNode(Location loc) : Stmt(K, loc) {}
  static bool classof(const Stmt *stmt) { return stmt->kind == K; }
};

/// `{ ... }` with its braces.
struct Block {
  Location loc;
  std::vector<StmtPtr> statements;
};

/// `= expr` (then `value`) or `{ ... return expr }` (then `block`): exactly one of the two.
struct Body {
  ExprPtr value;
  std::unique_ptr<Block> block;
};

struct ConstStmt : StmtNode<StmtKind::Const> {
  using StmtNode::StmtNode;
  Decl decl;
};

/// `joint param U: [p, r], V: [q, r]`.
struct ParamStmt : StmtNode<StmtKind::Param> {
  using StmtNode::StmtNode;
  bool isJoint = false;
  std::vector<Decl> decls;
};

/// `grad gU of U, gV of V`.
struct GradStmt : StmtNode<StmtKind::Grad> {
  using StmtNode::StmtNode;
  struct Entry {
    Ident name;
    std::optional<Ident> of;
  };
  std::vector<Entry> entries;
};

struct StateStmt : StmtNode<StmtKind::State> {
  using StmtNode::StmtNode;
  bool isShared = false;
  std::vector<Decl> decls;
};

struct InputStmt : StmtNode<StmtKind::Input> {
  using StmtNode::StmtNode;
  bool isShared = false;
  std::vector<Decl> decls;
};

/// `draw z = normal(like w)`, `draw z2 = z at t - j`.
struct DrawStmt : StmtNode<StmtKind::Draw> {
  using StmtNode::StmtNode;
  Ident name;
  ExprPtr value;
  ExprPtr at; ///< null if there is none
};

/// A local function: `fn q(x: [1]) = ...`, `phi(a) = ...` or, in index form, `E(x, y)[i, j] = ...`.
struct FunctionStmt : StmtNode<StmtKind::Function> {
  using StmtNode::StmtNode;
  bool hasKeyword = false;
  Ident name;
  std::vector<ast::Param> params;
  std::vector<Subscript> indices;
  Body body;
};

/// What stands left of `=`.
struct Target {
  Location loc;
  Ident name; ///< may be primed
  std::vector<Subscript> subscripts;
};

/// What a recurrence begins with: `A[T] = 0`.
struct Boundary {
  Target place;
  ExprPtr value;
};

/// `x = e`, `Q, R = qr(A)`, `x[i] += e`, `A[k] = e, A[T] = 0`.
struct AssignStmt : StmtNode<StmtKind::Assign> {
  using StmtNode::StmtNode;
  std::vector<Target> targets;
  bool isAdd = false;
  ExprPtr value;
  std::vector<Boundary> boundaries;
};

struct EveryStmt : StmtNode<StmtKind::Every> {
  using StmtNode::StmtNode;
  ExprPtr period;
  Block block;
};

struct WhenStmt : StmtNode<StmtKind::When> {
  using StmtNode::StmtNode;
  ExprPtr condition;
  Block block;
  std::optional<Block> otherwise;
};

/// `on edge(j: int) { ... }`: a named entry of a rule.
struct OnStmt : StmtNode<StmtKind::On> {
  using StmtNode::StmtNode;
  Ident name;
  std::vector<ast::Param> params;
  /// The params that are arrays once more, as inputs are declared: the entry takes them as a rule takes an input.
  std::vector<Decl> inputs;
  Block block;
};

/// `X = init` after `with`.
struct LoopInit {
  Location loc;
  Ident name;
  std::optional<Type> type;
  ExprPtr value;
};

/// `loop 5 with X = B while c { ... }`, `loop i in a..b ...`.
struct LoopStmt : StmtNode<StmtKind::Loop> {
  using StmtNode::StmtNode;
  std::vector<Subscript> slot; ///< `loop[checkpoints = 10]`
  std::optional<Ident> variable;
  ExprPtr bound; ///< a count, or a Range if there is a variable
  std::vector<LoopInit> inits;
  ExprPtr condition; ///< null if there is none
  Block block;
};

struct EmitStmt : StmtNode<StmtKind::Emit> {
  using StmtNode::StmtNode;
  std::vector<Ident> names;
};

struct ReturnStmt : StmtNode<StmtKind::Return> {
  using StmtNode::StmtNode;
  std::vector<ExprPtr> values;
};

/// `expect a ~ b within e`.
struct ExpectStmt : StmtNode<StmtKind::Expect> {
  using StmtNode::StmtNode;
  ExprPtr condition;
  ExprPtr within; ///< null if there is none
};

/// `solves A @ x == b` inside a solver.
struct SolvesStmt : StmtNode<StmtKind::Solves> {
  using StmtNode::StmtNode;
  std::vector<ExprPtr> equations;
};

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

enum class UnitKind { Function, Rule, Train, Test, Import, Const };

struct Unit {
  const UnitKind kind;
  Location loc;
  /// The lines of the `///` comment above, without the slashes and one blank.
  std::vector<std::string> doc;

  virtual ~Unit() = default;

protected:
  Unit(UnitKind kind, Location loc) : kind(kind), loc(loc) {}
};
using UnitPtr = std::unique_ptr<Unit>;

template <UnitKind K>
struct UnitNode : Unit {
  explicit UnitNode(Location loc) : Unit(K, loc) {}
  static bool classof(const Unit *unit) { return unit->kind == K; }
};

enum class FunctionKind { Loss, Fn, Prox, Projection, Solver, Schedule };
inline std::string wordOf(FunctionKind kind) {
  static constexpr const char *words[] = {"loss", "fn", "prox", "projection", "solver", "schedule"};
  return words[static_cast<size_t>(kind)];
}

/// `derivative(dy) = e1, e2` below a fn: one expression per argument.
struct CustomDerivative {
  Location loc;
  std::vector<Ident> cotangents;
  std::vector<ExprPtr> values;
};

/// Everything with a header and a body that returns: loss, fn, prox, projection, solver, schedule.
struct Function : UnitNode<UnitKind::Function> {
  using UnitNode::UnitNode;
  FunctionKind function = FunctionKind::Fn;
  Ident name;
  std::vector<Param> params;
  std::vector<Subscript> indices;  ///< of a fn in index form
  std::optional<Type> resultType;  ///< of loss and fn
  ExprPtr proxOf;                  ///< of prox
  std::vector<ExprPtr> solves;     ///< of solver
  Body body;
  std::optional<CustomDerivative> derivative;
};

/// `f` or `f(x, y)` after `over`.
struct Oracle {
  Location loc;
  Ident name;
  std::vector<Ident> arguments;
};

struct Rule : UnitNode<UnitKind::Rule> {
  using UnitNode::UnitNode;
  Ident name;
  std::vector<Param> params;
  std::vector<Oracle> oracles;
  Block block;
};

/// `minimize f over x, y`; the function is null in `maximize over y`.
struct Objective {
  Location loc;
  bool isMaximize = false;
  ExprPtr function;
  std::vector<Ident> over;
};

/// A name, or names in parentheses that fill a rule of several params in order.
struct GroupMember {
  Location loc;
  bool isTuple = false;
  std::vector<Ident> names;
};

/// `W1, W2: muon()`; without members it is the `else` group or the single rule after `with`.
struct Group {
  Location loc;
  std::vector<GroupMember> members;
  bool isElse = false;
  ExprPtr rule;
};

struct Train : UnitNode<UnitKind::Train> {
  using UnitNode::UnitNode;
  Ident name;
  std::vector<Objective> objectives;
  bool hasBraces = false; ///< `with { ... }`; otherwise one group without members
  std::vector<Group> groups;
};

struct Test : UnitNode<UnitKind::Test> {
  using UnitNode::UnitNode;
  bool isProperty = false;
  std::string title;
  Location titleLoc;
  Block block;
};

struct Import : UnitNode<UnitKind::Import> {
  using UnitNode::UnitNode;
  std::string path;
  Location pathLoc;
};

/// `const table: [2, 4] = ..` outside of all units.
struct Const : UnitNode<UnitKind::Const> {
  using UnitNode::UnitNode;
  Decl decl;
};

/// A `//` comment (or a `///` one that documents no unit) with its slashes; for the formatter.
struct Comment {
  Location loc;
  std::string text;
  bool ownLine = false;
};

/// One file.
struct Sheet {
  uint32_t file = 0;
  std::vector<UnitPtr> units;
  std::vector<Comment> comments;
  /// Names of units with syntax errors, which are not among `units`.
  std::vector<Ident> leftOut;
  /// Some unit was left out whose names are not known.
  bool lacksNames = false;
};

} // namespace gradus::ast

#endif // GRADUS_LANG_AST_H
