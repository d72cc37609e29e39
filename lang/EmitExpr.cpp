//===- EmitExpr.cpp - Names, operators, literals ---------------------------===//

#include "lang/Elaborator.h"
#include "lang/ForeignWords.h"
#include "lang/Joint.h"

using namespace gradus;
using namespace gradus::lang;
using llvm::cast;
using llvm::dyn_cast;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using mlir::Attribute;
using mlir::Value;

Entity Elaborator::notBuilt(Code code, Location at, std::string what, std::string wayOut) {
  error(code, at, what + " is not built yet").suggest(std::move(wayOut));
  return {};
}

Array Elaborator::asArray(const Entity &entity, Location at) {
  if (entity.isArray())
    return entity.array();
  if (IndexVar *index = entity.index())
    return indexValue(*index, at);
  if (entity.get<Complex>()) {
    error(Code::ComplexNumber, at, "expected real numbers, but these are complex").suggest("real(z), imag(z), abs(z) and angle(z) are real");
    return {};
  }
  error(Code::NotAnArray, at, "expected a number or an array, but this is " + entity.what().str())
      .suggest(entity.get<LinearOperator>() ? "'@' applies it, dense(..) makes a matrix of it" : "");
  return {};
}

Array Elaborator::evalArray(const ast::Expr &expr, Scope &scope) { return asArray(eval(expr, scope), expr.loc); }

Array Elaborator::evalScalar(const ast::Expr &expr, Scope &scope, llvm::StringRef what) {
  Array x = evalArray(expr, scope);
  if (x.isPoison() || isScalar(x))
    return x;
  error(Code::NotAScalar, expr.loc, what.str() + " must be one number, but it has the shape " + describe(typeOf(x.lanes.front()).getShape()));
  return {};
}

Array Elaborator::evalBool(const ast::Expr &expr, Scope &scope) {
  Array x = evalArray(expr, scope);
  if (x.isPoison() || kindOf(x) == Kind::Bool)
    return x;
  error(Code::NotABool, expr.loc, "expected a condition, but this is a number").suggest("compare it: 'x != 0'");
  return {};
}

std::optional<int64_t> Elaborator::constantInt(const ast::Expr &expr, Scope &scope, llvm::StringRef what) {
  Array x = evalArray(expr, scope);
  if (x.isPoison())
    return std::nullopt;
  if (std::optional<int64_t> value = constantIntOf(x))
    return value;
  error(Code::NotConstant, expr.loc, what.str() + " must be an integer that is known when the spec is compiled");
  return std::nullopt;
}

Entity Elaborator::tuple(std::vector<Entity> entities) { return &arena.tuples.emplace_back(std::move(entities)); }

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

Array Elaborator::sliceLane(const Array &x) const {
  if (!activeLane || x.lanes.size() <= 1)
    return x;
  Array one = x;
  one.lanes = {x.lanes[*activeLane]};
  return one;
}

Entity Elaborator::unknownName(llvm::StringRef name, Location at, Scope &scope) {
  if (scope.isIncomplete())
    return {};
  std::vector<std::string> names = scope.visibleNames();
  for (const Builtin &builtin : getBuiltins())
    names.push_back(builtin.name.str());
  names.push_back("pi");
  Diagnostic &diagnostic = error(Code::UnknownName, at, "unknown name '" + name.str() + "'");
  std::string hint = foreignName(name);
  if (hint.empty())
    hint = didYouMean(name.str(), names);
  if (hint.empty() && name == "t")
    hint = "the time 't' is known in rules and schedules only";
  if (isDistribution(name))
    hint = "numbers are drawn by a statement of a unit: draw z = " + name.str() + "(..)";
  diagnostic.suggest(hint);
  return {};
}

Entity Elaborator::evalName(llvm::StringRef name, Location at, Scope &scope, bool isPrimed) {
  std::string key = name.str() + (isPrimed ? "'" : "");
  if (const Binding *binding = scope.find(key)) {
    if (binding->entity.isArray())
      return sliceLane(binding->entity.array());
    if (const Complex *z = binding->entity.get<Complex>())
      return sliceLane(*z, at);
    return valueOf(*binding);
  }
  if (isPrimed) {
    const Binding *plain = scope.find(name);
    Diagnostic &diagnostic = error(plain ? Code::PrimeReadEarly : Code::UnknownName, at,
                                   plain ? "'" + key + "' is read before it is assigned" : "unknown name '" + key + "'");
    if (plain)
      diagnostic.note(plain->loc, "'" + name.str() + "' is declared here")
          .suggest("move this line below the one that assigns '" + key + "'");
    return {};
  }
  if (const DimBinding *dim = scope.findDim(name)) {
    Array sizes;
    sizes.isEach = differsByTensor(dim->lanes);
    for (Attribute lane : dim->lanes)
      sizes.lanes.push_back(sizeOf(lane, at));
    return sliceLane(sizes);
  }
  if (const Builtin *builtin = findBuiltin(name))
    return builtin;
  if (name == "pi")
    return number(3.14159265358979323846, at);
  if (name == "inf")
    return number(std::numeric_limits<double>::infinity(), at);
  if (name == "rows" && lossAtWork)
    return rowIds(at);
  return unknownName(name, at, scope);
}

Entity Elaborator::evalMember(const ast::Member &expr, Scope &scope) {
  Entity base = eval(*expr.base, scope);
  if (base.isPoison())
    return {};
  const std::string &name = expr.member.name;
  if (const Record *record = base.get<Record>()) {
    auto it = record->members.find(name);
    if (it != record->members.end())
      return it->second;
    std::vector<std::string> names;
    for (const auto &entry : record->members)
      names.push_back(entry.first);
    std::string hint = didYouMean(name, names);
    if (hint.empty() && record->run)
      hint = "a run has the params, the states and what the rule reports: emit " + name;
    error(Code::UnknownMember, expr.member.loc, "the rule has no name '" + name + "'").suggest(hint);
    return {};
  }
  if (RuleSite *site = base.site()) {
    if (const Binding *binding = site->ran ? nullptr : scope.find(site->name + "." + name + "'"))
      return binding->entity.isArray() ? Entity(sliceLane(binding->entity.array())) : binding->entity;
    if (const Binding *binding = site->ran ? site->ran->findHere(name + "'") : nullptr)
      return binding->entity;
    error(Code::UnknownMember, expr.member.loc, "no state '" + name + "' of '" + site->name + "' is known here")
        .suggest("read it below the call of '" + site->name + "'");
    return {};
  }
  if (const RuleCall *call = base.get<RuleCall>())
    return namedEntry(*call->rule, call, expr.member);
  if (const ast::Rule *rule = base.get<ast::Rule>())
    return namedEntry(*rule, nullptr, expr.member);
  if (base.isArray() && name == "T") {
    std::optional<Entity> stack = transposedStack(base.array(), textOf(expr.loc), expr.loc);
    return stack ? *stack : transposeOwn(base.array(), expr.loc);
  }
  if (const LinearOperator *linear = base.get<LinearOperator>(); linear && name == "T")
    return transposedOperator(*linear);
  if (const Complex *z = base.get<Complex>(); z && name == "T")
    return mapParts(*z, expr.loc, [&](const Array &part) { return transposeOwn(part, expr.loc); });
  error(Code::UnknownMember, expr.member.loc, "'." + name + "' is no part of " + (base.isArray() && !base.isPoison() && ownRank(base.array()) > 0 ? "an array" : base.what().str()))
      .suggest(!base.isArray() ? "" : findBuiltin(name) ? "write " + name + "(x)" : foreignName(name).empty() ? "an array has '.T', its transpose" : foreignName(name));
  return {};
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

Array Elaborator::transposeOwn(const Array &x, Location at) {
  if (ownRank(x) < 2) {
    error(Code::RankMismatch, at, "only a matrix can be transposed, but this has the shape " + describe(ownShape(x)));
    return {};
  }
  return perLane({x}, x.axes, [&](llvm::ArrayRef<Value> v) -> Value {
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(v[0]).getRank()));
    std::reverse(permutation.begin() + x.axes.size(), permutation.end());
    return transposed(v[0], permutation, at);
  });
}

Array Elaborator::matmul(const Array &a, const Array &b, Location at) {
  if (a.isPoison() || b.isPoison())
    return {};
  if (currentRun)
    if (std::optional<Array> joint = jointProduct(*this, *currentRun, a, b, at))
      return *joint;
  // A matrix with a column, or row, for each element of a collection: of a square one the result is a collection again.
  bool isRight = isCollection(b);
  const Array &matrix = isRight ? a : b, &vector = isRight ? b : a;
  bool isWhole = isCollection(vector) && !activeLane && !isStack(vector) && !matrix.isEach && matrix.lanes.size() == 1 && ownRank(matrix) == 2;
  if (isWhole && ownShape(matrix)[isRight ? 1 : 0] == countElements(vector, builder.getContext())) {
    Array whole = joined(vector, 0, at), product = isRight ? matmul(matrix, whole, at) : matmul(whole, matrix, at);
    return ownShape(matrix)[0] == ownShape(matrix)[1] ? apart(product, vector, 0, at) : product;
  }
  int64_t p = ownRank(a), q = ownRank(b);
  for (size_t k = 1; k < std::max(a.lanes.size(), b.lanes.size()); ++k)
    if (static_cast<int64_t>(ownShape(a, k).size()) != p || static_cast<int64_t>(ownShape(b, k).size()) != q)
      p = 0; // the tensors of the collection differ in rank
  if (p < 1 || p > 2 || q < 1 || q > 2) {
    error(Code::RankMismatch, at, "'@' multiplies vectors and matrices, but here are the shapes " + describe(ownShape(a)) + " and " +
                                      describe(ownShape(b)))
        .suggest("write '*' for a product by elements or by a number");
    return {};
  }
  for (size_t k = 0, n = std::max(a.lanes.size(), b.lanes.size()); k < n; ++k) {
    Attribute left = ownShape(a, k).back(), right = ownShape(b, k).front();
    if (left == right)
      continue;
    std::string help = "the shapes are " + describe(ownShape(a, k)) + " and " + describe(ownShape(b, k));
    if (p == 2 && ownShape(a, k).front() == right)
      help += "; the transpose of the left side fits: .T";
    else if (q == 2 && ownShape(b, k).back() == left)
      help += "; the transpose of the right side fits: .T";
    error(Code::DimensionConflict, at, "'@' sums over an axis of size " + describe(left) + " on the left and " + describe(right) +
                                           " on the right")
        .suggest(help);
    return {};
  }
  // Labels: 0 the summed axis, 1 the rows of a, 2 the columns of b.
  SmallVector<int64_t> lhs = p == 1 ? SmallVector<int64_t>{0} : SmallVector<int64_t>{1, 0};
  SmallVector<int64_t> rhs = q == 1 ? SmallVector<int64_t>{0} : SmallVector<int64_t>{0, 2};
  SmallVector<int64_t> out;
  if (p == 2)
    out.push_back(1);
  if (q == 2)
    out.push_back(2);
  Array product = contract(a, lhs, b, rhs, out, {}, at);
  bool isJoint = (a.isJoint || b.isJoint) && p == 1 && q == 1;
  return isJoint ? overAll(ReductionKind::Sum, product, at) : product;
}

Entity Elaborator::evalUnary(const ast::Unary &expr, Scope &scope) {
  if (expr.op == ast::UnaryOp::Not) {
    Array x = evalBool(*expr.operand, scope);
    return x.isPoison() ? Entity() : elementwise({x}, Kind::Bool, expr.loc, [&](llvm::ArrayRef<Value> v) {
      return builder.createOrFold<NotOp>(place(expr.loc), v[0]);
    });
  }
  Entity entity = eval(*expr.operand, scope);
  if (const LinearOperator *linear = entity.get<LinearOperator>())
    return expr.op == ast::UnaryOp::Neg ? scaledOperator(*linear, integer(-1, expr.loc), false, expr.loc) : entity;
  if (const Complex *z = entity.get<Complex>())
    return expr.op == ast::UnaryOp::Neg ? mapParts(*z, expr.loc, [&](const Array &part) { return negate(part, expr.loc); }) : entity;
  Array x = asArray(entity, expr.operand->loc);
  return expr.op == ast::UnaryOp::Neg ? negate(x, expr.loc) : x;
}

/// Where two operands do not fit each other, what was said since `before` is said with the shape of each at its place.
static void noteOperands(Diagnostics &diagnostics, const Diagnostics::Mark &before, const ast::Binary &expr, const Array &a, const Array &b) {
  if (diagnostics.getAll().size() == before.numMessages || a.isPoison() || b.isPoison() || a.lanes.size() > 1 || b.lanes.size() > 1)
    return;
  const Diagnostic said = diagnostics.getAll().back();
  bool isOfShapes = said.code == Code::ShapeMismatch || said.code == Code::DimensionConflict || said.code == Code::RankMismatch;
  if (!isOfShapes || !(said.loc == expr.opLoc))
    return;
  diagnostics.rollBack(before);
  Diagnostic &again = diagnostics.error(said.code, said.loc, said.text);
  again.note(expr.lhs->loc, "this has the shape " + describe(Algebra::ownShape(a)));
  again.note(expr.rhs->loc, "this has the shape " + describe(Algebra::ownShape(b)));
  again.notes.insert(again.notes.end(), said.notes.begin(), said.notes.end());
  again.suggest(said.help);
}

Entity Elaborator::evalBinary(const ast::Binary &expr, Scope &scope) {
  bool isLogical = expr.op == ast::BinaryOp::And || expr.op == ast::BinaryOp::Or;
  if (isLogical) {
    Array a = evalBool(*expr.lhs, scope), b = evalBool(*expr.rhs, scope);
    return logical(expr.op == ast::BinaryOp::And, a, b, expr.opLoc);
  }
  Entity left = eval(*expr.lhs, scope), right = eval(*expr.rhs, scope);
  if (left.get<LinearOperator>() || right.get<LinearOperator>())
    return evalOperatorBinary(expr, left, right);
  if (left.get<Complex>() || right.get<Complex>())
    return evalComplexBinary(expr, left, right);
  Array a = asArray(left, expr.lhs->loc), b = asArray(right, expr.rhs->loc);
  if (activeLane && expr.op == ast::BinaryOp::MatMul && (a.isJoint || b.isJoint)) { // index notation goes from tensor to tensor, the product over all
    std::optional<size_t> lane = std::exchange(activeLane, std::nullopt);
    a = evalArray(*expr.lhs, scope);
    b = evalArray(*expr.rhs, scope);
    activeLane = lane;
  }
  auto combine = [&]() -> Array {
    switch (expr.op) {
    case ast::BinaryOp::Add:
      return add(a, b, expr.opLoc);
    case ast::BinaryOp::Sub:
      return sub(a, b, expr.opLoc);
    case ast::BinaryOp::Mul:
      return mul(a, b, expr.opLoc);
    case ast::BinaryOp::Div:
      return div(a, b, expr.opLoc);
    case ast::BinaryOp::Mod:
      return binary<ModOp>(a, b, expr.opLoc);
    case ast::BinaryOp::Pow:
      return power(a, b, expr.opLoc);
    default:
      return matmul(a, b, expr.opLoc);
    }
  };
  Diagnostics::Mark before = diagnostics.mark();
  Array result = combine();
  noteOperands(diagnostics, before, expr, a, b);
  return result;
}

Array Elaborator::evalCompare(const ast::Compare &expr, Scope &scope, bool isClaim) {
  Array result;
  std::vector<Array> operands;
  for (const ast::ExprPtr &operand : expr.operands)
    operands.push_back(evalArray(*operand, scope));
  for (auto [i, op] : llvm::enumerate(expr.ops)) {
    if (op == ast::CompareOp::Near) {
      error(Code::NearOutsideExpect, expr.opLocs[i], "'~' stands only in 'expect a ~ b within e'").suggest("write abs(a - b) <= e");
      return {};
    }
    if (isClaim && !checkClaim(operands[i], operands[i + 1], expr.opLocs[i]))
      return {};
    static constexpr ComparePredicate predicates[] = {ComparePredicate::Lt, ComparePredicate::Gt, ComparePredicate::Le,
                                                      ComparePredicate::Ge, ComparePredicate::Eq, ComparePredicate::Ne};
    Array link = compare(predicates[static_cast<int>(op)], operands[i], operands[i + 1], expr.opLocs[i]);
    result = i == 0 ? link : logical(true, result, link, expr.opLocs[i]);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Lists
//===----------------------------------------------------------------------===//

/// Reads the shape of a nested list and its elements in row-major order.
static bool flatten(const ast::List &list, size_t depth, SmallVectorImpl<int64_t> &shape, std::vector<const ast::Expr *> &leaves,
                    const ast::Expr *&ragged) {
  if (shape.size() == depth)
    shape.push_back(list.elements.size());
  if (shape[depth] != static_cast<int64_t>(list.elements.size())) {
    ragged = &list;
    return false;
  }
  bool isInner = depth + 1 < shape.size() || (leaves.empty() && !list.elements.empty() && llvm::isa<ast::List>(list.elements[0].get()));
  for (const ast::ExprPtr &element : list.elements) {
    auto *inner = dyn_cast<ast::List>(element.get());
    if (isInner != (inner != nullptr)) {
      ragged = element.get();
      return false;
    }
    if (!inner)
      leaves.push_back(element.get());
    else if (!flatten(*inner, depth + 1, shape, leaves, ragged))
      return false;
  }
  return true;
}

Array Elaborator::evalList(const ast::List &expr, Scope &scope) {
  SmallVector<int64_t> shape;
  std::vector<const ast::Expr *> leaves;
  const ast::Expr *ragged = nullptr;
  if (!flatten(expr, 0, shape, leaves, ragged)) {
    error(Code::RaggedList, ragged->loc, "the rows of a list have different lengths").note(expr.loc, "in this list");
    return {};
  }
  if (leaves.empty()) {
    error(Code::RaggedList, expr.loc, "an empty list has no type").suggest("write zeros(0)");
    return {};
  }
  Kind kind = Kind::Bool;
  std::vector<Array> elements;
  bool isConstant = true;
  for (const ast::Expr *leaf : leaves) {
    Array x = evalScalar(*leaf, scope, "an element of a list");
    if (x.isPoison())
      return {};
    kind = std::max(kind, kindOf(x));
    isConstant &= constantOf(x).has_value();
    elements.push_back(x);
  }
  int64_t count = leaves.size();
  mlir::Type element = elementOf(kind, 1);
  if (isConstant) {
    SmallVector<Attribute> values;
    for (const Array &x : elements)
      values.push_back(kind == Kind::Float ? Attribute(builder.getFloatAttr(element, *constantOf(x)))
                                           : Attribute(builder.getIntegerAttr(element, *constantIntOf(x))));
    auto dense = mlir::DenseElementsAttr::get(mlir::RankedTensorType::get(shape, element), values);
    return {{ConstantOp::create(builder, place(expr.loc), dense)}};
  }
  // x[i] = e_i by one select an element; the length is that of the text, not of a tensor.
  Shape flat{builder.getI64IntegerAttr(count)};
  Array position{{IotaOp::create(builder, place(expr.loc), ArrayType::get(builder.getContext(), flat, builder.getI64Type()),
                                 builder.getI64IntegerAttr(0))}};
  Array all = elementwise({elements[0], toKind(position, Kind::Int, expr.loc)}, kind, expr.loc, [](llvm::ArrayRef<Value> v) { return v[0]; });
  for (int64_t i = 1; i < count; ++i)
    all = select(compare(ComparePredicate::Eq, position, integer(i, expr.loc), expr.loc), elements[i], all, expr.loc);
  if (shape.size() == 1 || all.isPoison())
    return all;
  Shape full;
  for (int64_t size : shape)
    full.push_back(builder.getI64IntegerAttr(size));
  return perLane({all}, {}, [&](llvm::ArrayRef<Value> v) -> Value {
    return ReshapeOp::create(builder, place(expr.loc), typeOf(v[0]).withShape(full), v[0]);
  });
}

//===----------------------------------------------------------------------===//
// The switch
//===----------------------------------------------------------------------===//

Entity Elaborator::eval(const ast::Expr &expr, Scope &scope) {
  Entity entity = evalUnseen(expr, scope);
  if (scope.sightings)
    note(*scope.sightings, expr.loc, entity);
  return entity;
}

Entity Elaborator::evalUnseen(const ast::Expr &expr, Scope &scope) {
  ++numEvaluated;
  switch (expr.kind) {
  case ast::ExprKind::Number: {
    auto &literal = cast<ast::Number>(expr);
    return literal.isInteger ? integer(literal.integer, expr.loc) : number(literal.value, expr.loc);
  }
  case ast::ExprKind::Bool:
    return boolean(cast<ast::Bool>(expr).value, expr.loc);
  case ast::ExprKind::Name: {
    auto &name = cast<ast::Name>(expr);
    return evalName(name.name, expr.loc, scope, name.primed);
  }
  case ast::ExprKind::List:
    if (cast<ast::List>(expr).like) {
      error(Code::NotAnArray, expr.loc, "'[..] like' gives a shape and stands in draws, zeros(..) and ones(..) only").suggest("draw z = normal([m] like w)");
      return {};
    }
    return evalList(cast<ast::List>(expr), scope);
  case ast::ExprKind::Tuple: {
    std::vector<Entity> entities;
    for (const ast::ExprPtr &element : cast<ast::Tuple>(expr).elements)
      entities.push_back(eval(*element, scope));
    return tuple(std::move(entities));
  }
  case ast::ExprKind::Unary:
    return evalUnary(cast<ast::Unary>(expr), scope);
  case ast::ExprKind::Binary:
    return evalBinary(cast<ast::Binary>(expr), scope);
  case ast::ExprKind::Compare:
    return evalCompare(cast<ast::Compare>(expr), scope);
  case ast::ExprKind::If: {
    auto &branch = cast<ast::If>(expr);
    Array c = evalBool(*branch.condition, scope);
    auto evalBranch = [&](const ast::Expr &value, bool isElse) {
      OnlyWhere here(*this, &c, isElse);
      return evalArray(value, scope);
    };
    Array a = evalBranch(*branch.thenValue, false), b = evalBranch(*branch.elseValue, true);
    return select(c, a, b, expr.loc);
  }
  case ast::ExprKind::Lambda:
    return makeLambda(cast<ast::Lambda>(expr), scope);
  case ast::ExprKind::Call:
    return evalCall(cast<ast::Call>(expr), scope);
  case ast::ExprKind::Index:
    return evalIndex(cast<ast::Index>(expr), scope);
  case ast::ExprKind::Member:
    return evalMember(cast<ast::Member>(expr), scope);
  case ast::ExprKind::Derivative:
    return evalDerivative(cast<ast::Derivative>(expr), scope);
  case ast::ExprKind::TotalDerivative:
    return evalTotalDerivative(cast<ast::TotalDerivative>(expr), scope);
  case ast::ExprKind::By:
    return evalBy(cast<ast::By>(expr), scope, 0);
  case ast::ExprKind::String:
    error(Code::NotAnArray, expr.loc, "a text cannot stand in a formula");
    return {};
  case ast::ExprKind::Range:
    error(Code::NotAnArray, expr.loc, "'a..b' stands only after 'in' of a loop").suggest("a slice is written x[a:b]");
    return {};
  case ast::ExprKind::Like:
    error(Code::NotAnArray, expr.loc, "'like' gives a shape and stands in zeros(like w) and its kin only");
    return {};
  }
  return {};
}
