//===- AstExpr.h - the syntax tree of formulas ------------------*- C++ -*-===//
//
// Nodes are told apart by `kind` with llvm::isa / dyn_cast; children are owned.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_ASTEXPR_H
#define GRADUS_LANG_ASTEXPR_H

#include "lang/Source.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gradus::ast {

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

enum class ExprKind {
  Number,
  String,
  Bool,
  Name,
  List,
  Tuple,
  Unary,
  Binary,
  Compare,
  If,
  Lambda,
  Range,
  Call,
  Index,
  Member,
  Derivative,
  TotalDerivative,
  Like,
  By,
};

struct Expr {
  const ExprKind kind;
  Location loc;
  /// Written in parentheses of its own; only the formatter asks.
  bool parenthesized = false;

  virtual ~Expr() = default;

protected:
  Expr(ExprKind kind, Location loc) : kind(kind), loc(loc) {}
};
using ExprPtr = std::unique_ptr<Expr>;

/// Gives a node its kind and the `classof` that llvm::dyn_cast wants.
template <ExprKind K>
struct ExprNode : Expr {
  explicit ExprNode(Location loc) : Expr(K, loc) {}
  static bool classof(const Expr *expr) { return expr->kind == K; }
};

/// A name where it is written.
struct Ident {
  std::string name;
  Location loc;
  bool primed = false;
};

/// `1`, `2.5e-3`. Integers fit int64, otherwise the parser reports them.
struct Number : ExprNode<ExprKind::Number> {
  using ExprNode::ExprNode;
  double value = 0;
  bool isInteger = false;
  int64_t integer = 0;
  std::string text;
};

/// `"..."`, the text between the quotes.
struct String : ExprNode<ExprKind::String> {
  using ExprNode::ExprNode;
  std::string value;
};

struct Bool : ExprNode<ExprKind::Bool> {
  using ExprNode::ExprNode;
  bool value = false;
};

/// `w`, or `w'` when primed.
struct Name : ExprNode<ExprKind::Name> {
  using ExprNode::ExprNode;
  std::string name;
  bool primed = false;
};

/// `[a, b]`, possibly empty.
struct List : ExprNode<ExprKind::List> {
  using ExprNode::ExprNode;
  std::vector<ExprPtr> elements;
  /// `[m] like w`, the shape of a stack of arrays like w.
  std::optional<Ident> like;
};

/// `(a, b)` with at least two elements.
struct Tuple : ExprNode<ExprKind::Tuple> {
  using ExprNode::ExprNode;
  std::vector<ExprPtr> elements;
};

enum class UnaryOp { Neg, Plus, Not };

struct Unary : ExprNode<ExprKind::Unary> {
  using ExprNode::ExprNode;
  UnaryOp op = UnaryOp::Neg;
  ExprPtr operand;
};

enum class BinaryOp { Or, And, Add, Sub, Mul, Div, MatMul, Mod, Pow };

struct Binary : ExprNode<ExprKind::Binary> {
  using ExprNode::ExprNode;
  BinaryOp op = BinaryOp::Add;
  Location opLoc;
  ExprPtr lhs;
  ExprPtr rhs;
};

/// Near is `~`, which only `expect` understands.
enum class CompareOp { Lt, Gt, Le, Ge, Eq, Ne, Near };

/// The chain `operands[0] ops[0] operands[1] ops[1] ...`; one more operand than operators, at least one operator.
struct Compare : ExprNode<ExprKind::Compare> {
  using ExprNode::ExprNode;
  std::vector<ExprPtr> operands;
  std::vector<CompareOp> ops;
  std::vector<Location> opLocs;
};

struct If : ExprNode<ExprKind::If> {
  using ExprNode::ExprNode;
  ExprPtr condition;
  ExprPtr thenValue;
  ExprPtr elseValue;
};

/// `x -> e`.
struct Lambda : ExprNode<ExprKind::Lambda> {
  using ExprNode::ExprNode;
  Ident parameter;
  ExprPtr body;
};

/// `a..b`, for loops and dims; b is excluded.
struct Range : ExprNode<ExprKind::Range> {
  using ExprNode::ExprNode;
  ExprPtr from;
  ExprPtr to;
};

/// `e`, `name = e` or `else = e` in an argument list.
struct Argument {
  Location loc;
  std::optional<Ident> name;
  bool isElse = false;
  ExprPtr value;
};

/// `f(x, y = 1)`. A word with a subscript, `sum[j](e)`, is a call whose callee is an Index.
struct Call : ExprNode<ExprKind::Call> {
  using ExprNode::ExprNode;
  ExprPtr callee;
  std::vector<Argument> arguments;
};

enum class SubKind {
  Value, ///< `i`, `k + 1`, `all`, `k < i`: an expression
  Slice, ///< `a:b`, `:b`, `a:`, `:`
  Rest,  ///< `..`
  Named, ///< `axis = 1`
};

/// One slot of a subscript.
struct Subscript {
  SubKind kind = SubKind::Value;
  Location loc;
  std::optional<Ident> name; ///< of Named
  ExprPtr value;             ///< of Value and Named
  ExprPtr from;              ///< of Slice, null if open
  ExprPtr to;                ///< of Slice, null if open
};

/// `x[i, :]`.
struct Index : ExprNode<ExprKind::Index> {
  using ExprNode::ExprNode;
  ExprPtr base;
  std::vector<Subscript> subscripts;
};

/// `X.T`, `base.m`.
struct Member : ExprNode<ExprKind::Member> {
  using ExprNode::ExprNode;
  ExprPtr base;
  Ident member;
};

enum class DerivativeKind { Grad, Hess, Jac };
inline std::string wordOf(DerivativeKind kind) { return kind == DerivativeKind::Grad ? "grad" : kind == DerivativeKind::Hess ? "hess" : "jac"; }

/// `grad f(w)`, `hess[x, y] g(x, y)`, `grad f[next](w)`.
struct Derivative : ExprNode<ExprKind::Derivative> {
  using ExprNode::ExprNode;
  DerivativeKind derivative = DerivativeKind::Grad;
  std::vector<Ident> slots;
  Ident function;
  std::vector<Subscript> selection; ///< which data: next, all, each, i
  std::vector<Argument> arguments;
};

/// `grad[v](e)`, `hess[u, v](e)`, `jac[v](e)`: through this body's definitions.
struct TotalDerivative : ExprNode<ExprKind::TotalDerivative> {
  using ExprNode::ExprNode;
  DerivativeKind derivative = DerivativeKind::Grad;
  std::vector<Ident> variables;
  ExprPtr value;
};

/// `like w` as an argument: the shape of w.
struct Like : ExprNode<ExprKind::Like> {
  using ExprNode::ExprNode;
  Ident name;
};

/// `argmin[u](e) by lbfgs() from x within tol limit n derivative by cg()`; what stands behind the method may be missing.
struct By : ExprNode<ExprKind::By> {
  using ExprNode::ExprNode;
  /// `derivative by cg() within tol limit n`, or a word without a method: `derivative unrolled[checkpoints = 10]`.
  struct Way {
    Location loc;
    ExprPtr method;
    ExprPtr within;
    ExprPtr limit;
    Ident word;
    std::vector<Subscript> slot;
  };
  ExprPtr problem;
  ExprPtr method;
  ExprPtr from;
  ExprPtr within;
  ExprPtr limit;
  std::optional<Way> way;
};

} // namespace gradus::ast

#endif // GRADUS_LANG_ASTEXPR_H
