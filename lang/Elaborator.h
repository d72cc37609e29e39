//===- Elaborator.h - From the syntax tree to the gradus dialect ---*- C++ -*-===//
//
// One walk over the tree that checks and emits: names are looked up in scopes, calls are inlined, dimension names
// are matched against the caller's sizes, and rules are instantiated for the tensors at hand. The methods are spread over
// Emit*.cpp by topic. Whatever fails has been reported and gives poison.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_ELABORATOR_H
#define GRADUS_LANG_ELABORATOR_H

#include "dialect/DimExpr.h"
#include "lang/RuleRun.h"

namespace gradus::lang {

class Elaborator : public Algebra {
public:
  Elaborator(mlir::MLIRContext &context, Diagnostics &diagnostics, mlir::Type real, Arena &arena, mlir::ModuleOp module)
      : Algebra(context, diagnostics, real), arena(arena), module(module) {}

  // Units (EmitUnit.cpp, EmitTrain.cpp, EmitTest.cpp).
  void emitFunction(const ast::Function &unit, Scope &file);
  void emitRule(const ast::Rule &rule, Scope &file);
  void emitTrain(const ast::Train &train, Scope &file);
  void emitTest(const ast::Test &test, Scope &file);
  /// The value of a unit's name.
  Entity declare(const ast::Function &unit, Scope &file);
  // Constants of files (EmitConstant.cpp).
  Entity declare(const ast::Const &unit, Scope &file);
  void emitConstant(const ast::Const &unit, Scope &file);
  /// Parameters over which some train unit minimises a loss.
  llvm::DenseMap<const ast::Function *, std::vector<std::string>> optimised;
  void noteObjective(const ast::Train &train, Scope &file);
  /// Functions that only `gradus check` evaluates are left in the module.
  bool emitsChecks = false;
  /// Sizes from the command line, and those of them that some unit has.
  std::map<std::string, int64_t> givenSizes;
  std::set<std::string> takenSizes;
  /// The solver of that name in the standard library, for `by` where nothing in scope is called so; poison if there is none.
  std::function<Entity(llvm::StringRef name)> findSolver;

private:
  friend struct BuiltinTable;

  // Expressions (EmitExpr.cpp).
  Entity eval(const ast::Expr &expr, Scope &scope);
  Entity evalUnseen(const ast::Expr &expr, Scope &scope);
  /// A number or array; anything else is an error.
  Array evalArray(const ast::Expr &expr, Scope &scope);
  Array evalScalar(const ast::Expr &expr, Scope &scope, llvm::StringRef what);
  Array evalBool(const ast::Expr &expr, Scope &scope);
  Entity evalName(llvm::StringRef name, Location at, Scope &scope, bool isPrimed = false);
  Entity unknownName(llvm::StringRef name, Location at, Scope &scope);
  Array asArray(const Entity &entity, Location at);
  Entity evalUnary(const ast::Unary &expr, Scope &scope);
  Entity evalBinary(const ast::Binary &expr, Scope &scope);
  Array evalCompare(const ast::Compare &expr, Scope &scope, bool isClaim = false);
  Array evalList(const ast::List &expr, Scope &scope);
  Entity evalMember(const ast::Member &expr, Scope &scope);
  Array matmul(const Array &a, const Array &b, Location at);
  Array transposeOwn(const Array &x, Location at);
  std::optional<int64_t> constantInt(const ast::Expr &expr, Scope &scope, llvm::StringRef what);
  Entity notBuilt(Code code, Location at, std::string what, std::string wayOut);
  Array sliceLane(const Array &x) const;

  // Index notation (EmitIndex.cpp).
  Entity evalIndex(const ast::Index &expr, Scope &scope);
  Array subscript(const Array &x, llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope, Location at);
  /// One axis of a subscripted value.
  struct Slot {
    /// A bare index.
    IndexVar *index = nullptr;
    /// An index expression.
    std::optional<Array> value;
    /// Otherwise a slice: its first element, if that is not the first of the axis, and its size.
    std::optional<Array> start;
    mlir::Attribute size;
    bool isWhole = false;
    /// No place of it can be outside the axis.
    bool isInside = false;
  };
  /// A bound of a slice as a formula, in which a number that is not known is a symbol, and as a value.
  struct SliceBound {
    DimExpr size;
    Array value;
  };
  std::optional<SliceBound> readBound(const ast::Expr &expr, mlir::Attribute whole, Scope &scope, llvm::DenseMap<mlir::Value, unsigned> &unknowns);
  bool readSlice(const ast::Subscript &sub, mlir::Attribute whole, Scope &scope, Slot &slot);
  bool readSlots(const Array &x, llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope, Location at, std::vector<Slot> &slots, bool &isPlain);
  bool checkPosition(const ast::Subscript &sub, mlir::Attribute whole, Scope &scope);
  bool staysInside(const ast::Subscript &sub, mlir::Attribute whole, Scope &scope) const;
  std::optional<Array> readPosition(const ast::Subscript &sub, mlir::Attribute whole, Scope &scope);
  Array gatherSlots(const Array &x, llvm::ArrayRef<Slot> slots, llvm::ArrayRef<IndexVar *> axes, Location at);
  llvm::SmallVector<mlir::Value> placesOf(llvm::ArrayRef<IndexVar *> outer, llvm::ArrayRef<Slot> slots, llvm::ArrayRef<IndexVar *> axes, Shape &shape,
                                          Location at);
  Array indexValue(IndexVar &index, Location at);
  IndexVar *bindIndex(const std::string &name, Location at, Scope &scope);
  bool setRange(IndexVar &index, mlir::Attribute dim, Location at);
  void findRanges(const ast::Expr &expr, Scope &scope);
  void shareRange(const ast::Compare &comparison, Scope &scope);
  void shareRanges(const ast::Expr &body, Scope &scope);
  void findWindows(const ast::Expr &expr, Scope &scope);
  std::optional<Shape> shapeOfBase(const ast::Expr &base, Scope &scope);
  Array whereChosen(const Array &place, Location at);
  Entity defineByIndex(llvm::ArrayRef<ast::Subscript> subscripts, Location at, const ast::Expr &value, Scope &scope);
  llvm::SmallVector<Array> defineOne(llvm::ArrayRef<ast::Subscript> subscripts, Location at, const ast::Expr &value, Scope &scope);
  /// What stands on the left for each axis; null for ':'.
  using LeftSide = llvm::SmallVector<IndexVar *>;
  std::optional<LeftSide> bindLeft(llvm::ArrayRef<ast::Subscript> subscripts, Scope &inner);
  Array finishLeft(Array x, const LeftSide &order, Location at);
  llvm::SmallVector<Array> defineSeveral(const ast::AssignStmt &stmt, Scope &scope);
  Array eachLane(llvm::function_ref<Array()> emit);
  llvm::SmallVector<Array> eachLane(size_t count, llvm::function_ref<llvm::SmallVector<Array>()> emit);
  bool isBinder(const ast::Subscript &slot, Scope &scope) const;

  Array arrangeLeft(const Array &x, llvm::ArrayRef<IndexVar *> order, Location at);

  // Recurrences (EmitRecurrence.cpp).
  struct Recurrence {
    /// Of the left side, in its order.
    llvm::SmallVector<IndexVar *> indices;
    /// A[k + 1] and A[k + 3] on the right side: axis 0, so many steps away, from the end, three carried values.
    std::vector<std::pair<const ast::Index *, uint64_t>> reads;
    size_t axis = 0;
    bool isReverse = false;
    uint64_t order = 0;
  };
  class ScanBuilder;
  bool readsItself(const ast::AssignStmt &stmt, Scope &scope) const;
  void runRecurrence(const ast::AssignStmt &stmt, Scope &scope);
  Array recurOne(const ast::AssignStmt &stmt, Scope &scope);
  bool findSelfReads(const ast::AssignStmt &stmt, Recurrence &recurrence);
  std::optional<DimExpr> readBoundaryPlace(const ast::AssignStmt &stmt, const ast::Boundary &boundary, const Recurrence &recurrence, Scope &inner);
  std::optional<llvm::SmallVector<const ast::Boundary *>> orderBoundaries(const ast::AssignStmt &stmt, Recurrence &recurrence, Scope &inner);
  llvm::SmallVector<Array> evalBoundaries(const ast::AssignStmt &stmt, Recurrence &recurrence, Scope &inner);
  Array evalWithStandIns(const ast::AssignStmt &stmt, const Recurrence &recurrence, llvm::ArrayRef<Array> boundaries, Scope &inner, llvm::SmallVector<mlir::Value> &standIns);
  /// What stands for A[k + 1] while the right side of A[k] = .. is read.
  llvm::DenseMap<const ast::Index *, Array> selfReads;

  // Writes at computed places (EmitScatter.cpp).
  void writePlaces(const ast::AssignStmt &stmt, Scope &scope);
  std::optional<Entity> placesWritten(const ast::AssignStmt &stmt, size_t position, Scope &scope);
  bool writesNextPart(const ast::AssignStmt &stmt, Scope &scope) const;
  void writeNextPart(const ast::AssignStmt &stmt, Scope &scope);
  std::optional<Entity> nextPart(const ast::AssignStmt &stmt, size_t position, Scope &scope);
  Array scatterOne(const ast::AssignStmt &stmt, size_t position, std::optional<Array> x, Scope &scope);
  bool definesWhole(llvm::ArrayRef<ast::Subscript> subscripts, Scope &scope) const;
  llvm::SmallVector<IndexVar *> bindPlaces(llvm::ArrayRef<ast::Subscript> subscripts, Scope &inner);
  Array freshTarget(const ast::AssignStmt &stmt, size_t position, Scope &inner);

  // Calls that would expand without end (EmitEnd.cpp).
  Entity tooLarge(const std::string &name, Location at);
  bool expandRule(const ast::Rule &rule, Location at, llvm::function_ref<bool()> expand);
  const RuleCall *wrappedRule(const RuleCall &outer, const ast::Param &param, Scope &own);

  // Calls (EmitCall.cpp).
  Entity evalCall(const ast::Call &expr, Scope &scope);
  std::vector<Actual> evalArguments(llvm::ArrayRef<ast::Argument> arguments, Scope &scope);
  bool bindSize(const ast::Param &param, const Delayed *bound, const std::string &path, Scope &inner, Location at, const std::string &owner = "");
  Entity callClosure(const Closure &closure, std::vector<Actual> actuals, Location at, std::optional<Array> time = std::nullopt);
  bool bindActuals(const Closure &closure, std::vector<Actual> &actuals, Scope &inner, Location at);
  bool bindParam(const ast::Param &param, Entity entity, Location at, Scope &inner);
  bool bindShape(const ast::Type &type, const Array &x, llvm::StringRef name, Location at, Scope &inner);
  bool bindDim(const ast::Dim &dim, const Array &x, size_t axis, llvm::StringRef name, Location at, Scope &inner);
  /// The size that a dimension expression has for a tensor; a fresh name becomes a symbol if `mayDeclare`.
  mlir::Attribute evalDim(const ast::Dim &dim, size_t lane, Scope &scope, bool mayDeclare);
  std::optional<Shape> evalShape(const ast::Type &type, size_t lane, Scope &scope, bool mayDeclare = false);
  Array foldTrailing(const ast::Type &type, const Array &x, Location at);
  bool solveDim(const ast::Dim &dim, const Array &x, size_t axis, llvm::StringRef name, Location at, Scope &inner);
  /// At the end of the symbol that stands for a number that is not known before the code runs.
  static constexpr llvm::StringLiteral unknownSuffix = ".unknown";
  static std::optional<DimExpr> formulaOf(mlir::Value value, llvm::DenseMap<mlir::Value, unsigned> *unknowns = nullptr);
  using Algebra::sizeOf;
  std::optional<DimExpr> sizeOf(const ast::Expr &expr, size_t lane, Scope &scope);
  mlir::Attribute dimOf(const ast::Expr &expr, Scope &scope);
  bool checkSize(llvm::ArrayRef<mlir::Attribute> shape, Location at);
  Entity runBody(const Closure &closure, Scope &inner, Location at);
  Entity evalBody(const Closure &closure, Scope &inner, Location at);
  Entity runBlock(const ast::Block &block, Scope &inner, Location at);
  Entity runReturn(const ast::Block &block, size_t position, Scope &inner);
  bool runCommon(const ast::Stmt &stmt, Scope &scope);
  void notHere(const ast::Stmt &stmt, llvm::StringRef where, llvm::StringRef wayOut);
  Entity::Tuple valuesOf(const ast::AssignStmt &stmt, const Entity &value);
  /// The results that the call at hand is asked for.
  size_t wantedResults = 1;
  void runAssign(const ast::AssignStmt &stmt, Scope &scope);
  bool bindName(const ast::Ident &name, Entity entity, Scope &scope);
  const Closure *makeLocal(const ast::FunctionStmt &stmt, Scope &scope);
  const Closure *makeLambda(const ast::Lambda &lambda, Scope &scope);
  std::optional<Kind> kindOfType(const std::optional<ast::Type> &type, const ast::Expr *defaultValue, bool isKept = false);

  // Losses and schedules with state (EmitKeeper.cpp).
  static bool keepsState(const Closure &closure);
  bool mentionsState(const ast::Expr &expr, Scope &scope);
  std::map<std::string, Actual> takeGiven(const Closure &closure, std::vector<Actual> &actuals);
  Array keptState(const ast::Decl &decl, RuleRun &run);
  Array keptInput(const ast::Decl &decl, RuleRun &run);
  bool openKept(const Closure &closure, RuleRun &run);
  Entity runKept(const Closure &closure, Scope &inner, Location at);
  /// A loss or schedule with state that stands alone: what its C entry keeps.
  struct KeptUnit {
    RuleRun run;
    std::vector<StateSlot> slots;
    std::map<std::string, Array> states, next;
    std::map<std::string, mlir::Value> buffers;
    std::map<std::string, GivenInput> given;
    InputSource inputs;
  };
  void openKeptUnit(UnitBuilder &unit, KeptUnit &kept, const Array &time);
  void returnKept(UnitBuilder &unit, KeptUnit &kept, bool replaces);
  bool emitKeptInit(const ast::Function &function, const Closure &closure, std::vector<StateSlot> &slots);
  Array rowIds(Location at);
  std::string rowAxis(const ast::Function &function) const;
  StateKeeper *keeper = nullptr;
  /// States, inputs and row ids that a call gives by name.
  const std::map<std::string, Actual> *givenToCall = nullptr;
  /// The loss at work, and the unit whose argument its row ids are.
  const Closure *lossAtWork = nullptr;
  Scope *lossScope = nullptr;
  UnitBuilder *rowsUnit = nullptr;
  std::map<DataChoice, mlir::Value> rowsArguments;
  bool isTest = false;

  // How the application keeps a tensor (EmitStorage.cpp).
  bool checkBlocks(llvm::ArrayRef<ast::Storage> words, size_t position, bool isKept);
  Storage storageOf(const std::optional<ast::Type> &type);
  static std::string paramName(const ast::Rule &rule, size_t position);
  Storage paramStorage(const RuleCall &call, size_t position);
  ArrayType storedType(ArrayType type, const Storage &storage);
  mlir::Type argumentElement(const std::optional<ast::Type> &type, Kind kind, size_t rank);
  bool refuseStochastic(const std::optional<ast::Type> &type, llvm::StringRef what);
  mlir::Value roundTo(mlir::Value x, mlir::Type element, mlir::Value bits, Location at);
  Array store(const Array &x, const Storage &storage, const std::string &name, const RuleRun &run, Location at);
  Array load(const Array &x, Location at);

  // Blocks that run not at all or several times (EmitControl.cpp).
  void runWhen(const ast::WhenStmt &stmt, Scope &scope);
  void runEvery(const ast::EveryStmt &stmt, Scope &scope);
  void runLoop(const ast::LoopStmt &stmt, Scope &scope);
  void runInside(const ast::Block &block, Scope &inner);
  void runCarriedAssign(const ast::AssignStmt &stmt, Scope &scope);
  Entity evalNext(const ast::AssignStmt &stmt, Scope &scope);
  bool expectCarried(const ast::Target &target, Scope &scope);
  Array nextCarried(const ast::Ident &name, const Array &x, Scope &scope, Location at);
  Array evalCondition(const ast::Expr &expr, Scope &scope, bool mayDiffer = false);
  /// How often a loop runs: at most `most` times, its index from `first` on. `rows` is poison, or how often for each value of indices.
  struct Passes {
    mlir::Value most;
    Array first, rows;
  };
  std::optional<Passes> evalCount(const ast::LoopStmt &stmt, Scope &scope);
  std::optional<std::vector<Array>> evalInits(const ast::LoopStmt &stmt, Scope &scope);
  LoopOp emitLoop(const ast::LoopStmt &stmt, const Passes &passes, llvm::ArrayRef<std::string> names, llvm::ArrayRef<Array> inits, Primes &mine,
                  Scope &scope);
  // In segments (EmitCheckpoint.cpp).
  std::optional<int64_t> readCheckpoints(llvm::ArrayRef<ast::Subscript> slot, Scope &scope, llvm::StringRef wayOut);
  LoopOp splitLoop(LoopOp loop, int64_t checkpoints, Location at);
  // For each value of indices apart (EmitRows.cpp).
  Array evalForEach(const ast::Expr &expr, Scope &scope, llvm::StringRef what);
  Passes passesOfRows(const Array &first, const Array &end, Location at);
  Array anyRow(const Array &mask, Location at);
  Array rowsAtWork(const ast::LoopStmt &stmt, const Passes &passes, const Array &pass, const Array &alive, Primes &mine, Scope &inner);
  bool keepStopped(llvm::ArrayRef<std::string> names, const Array &mask, Scope &inner, Location at);
  std::optional<llvm::SmallVector<Array>> whenByRow(const ast::WhenStmt &stmt, const Array &c, llvm::ArrayRef<std::string> names, Scope &scope);
  std::vector<std::string> findPrimed(llvm::ArrayRef<const ast::Block *> blocks, Scope &scope, std::vector<std::string> &lost);
  const Binding *findPresent(llvm::StringRef name, Scope &scope);
  const Binding *findSoFar(llvm::StringRef name, Scope &scope);
  std::optional<llvm::SmallVector<mlir::Value>> readNext(llvm::ArrayRef<std::string> names, Scope &inner);
  llvm::SmallVector<mlir::Value> presentValues(llvm::ArrayRef<std::string> names, Scope &scope);
  llvm::SmallVector<Array> likePresent(llvm::ArrayRef<std::string> names, mlir::ValueRange values, Scope &scope);
  void bindNext(llvm::ArrayRef<std::string> names, Scope &scope, Location at, bool isTogether,
                llvm::function_ref<std::optional<llvm::SmallVector<Array>>()> emit);
  bool mayDecide(const ast::Expr &deciding, llvm::ArrayRef<std::string> names, Scope &scope);
  bool runsTogether(llvm::ArrayRef<const ast::Expr *> deciding, Scope &scope);
  std::optional<llvm::SmallVector<Array>> loopOnce(const ast::LoopStmt &stmt, Scope &scope, bool &differs);
  bool fillRegion(mlir::Region &region, Location at, llvm::function_ref<std::optional<llvm::SmallVector<mlir::Value>>()> emit);

  // Derivatives (EmitGrad.cpp).
  struct Differentiated {
    mlir::Value value;
    llvm::SmallVector<mlir::Value> gradients;
  };
  using Body = llvm::function_ref<Array(llvm::ArrayRef<mlir::Value>)>;
  /// `mayBeConstant`: what the body asks is bound elsewhere, so that a derivative of 0 is no mistake of the text.
  std::optional<Differentiated> differentiate(llvm::ArrayRef<mlir::Value> wrt, Location at, Body body, bool mayBeConstant = false);
  /// What grad, hess and jac differentiate: a function in some of its arguments, or a value in variables that it was made of.
  struct PointFunction {
    std::string name;
    Location loc;
    /// Where it is differentiated.
    std::vector<Array> points;
    /// Its value there, or where other points stand in their places.
    std::function<Array(llvm::ArrayRef<Array>)> at;
    bool isObjective = false;
  };
  using ReadPoint = llvm::function_ref<std::optional<PointFunction>(llvm::ArrayRef<ast::Ident> variables)>;
  const Closure *readDifferentiated(const ast::Derivative &expr, Scope &scope);
  std::optional<PointFunction> readCall(const ast::Derivative &expr, const Closure *closure, llvm::ArrayRef<ast::Ident> slotNames, Scope &scope);
  std::optional<PointFunction> readValue(const ast::TotalDerivative &expr, llvm::ArrayRef<ast::Ident> variables, Scope &scope);
  Entity evalGradient(const PointFunction &f);
  Entity evalDerivative(const ast::Derivative &expr, Scope &scope);
  Entity evalTotalDerivative(const ast::TotalDerivative &expr, Scope &scope);
  Entity tuple(std::vector<Entity> entities);

  // Topics of their own.
#include "lang/ElaboratorOperators.inc"
#include "lang/ElaboratorWords.inc"

  // Draws (EmitDraw.cpp).
  /// The shapes of a draw, one for each tensor.
  struct DrawShape {
    llvm::SmallVector<Shape, 1> lanes = {};
    bool isEach = false, isJoint = false;
    llvm::SmallVector<IndexVar *, 2> axes = {};
  };
  void runDraw(const ast::DrawStmt &stmt, Scope &scope);
  const DrawSource *findDrawSource(const ast::DrawStmt &stmt, Scope &scope);
  const DrawSource *findDrawOfRule(const ast::Member &member, const ast::Rule &rule);
  Array makeDraw(const DrawSource &source, const Array &time);
  Array emitDraws(DrawKind kind, const DrawSource &source, const Array &parameter, const DrawShape &shape, const Array &time, Location at);
  std::optional<llvm::SmallVector<mlir::Attribute, 1>> readDrawSize(const ast::Expr &expr, Scope &scope);
  std::optional<DrawShape> readDrawShape(const ast::Expr *expr, Scope &scope);
  bool stackShape(const ast::Ident &like, DrawShape &shape, Scope &scope);
  Array readDrawParameter(DrawKind kind, const ast::Expr &expr, Scope &scope);
  Array drawTime(Location at);
  /// The rule at work, the path of the body at hand and its time; in a function that stands alone the time is an argument in the
  /// making. Loops put their indices here while their bodies are elaborated.
  const RuleRun *currentRun = nullptr;
  std::string drawPath;
  Array now;
  UnitBuilder *currentUnit = nullptr;
  /// Before the sites of draws, where an objective is asked on other data than the batch.
  std::string drawChoice;
  llvm::SmallVector<mlir::Value, 1> loopIndices;

  // Rules (EmitRule.cpp).
  const RuleCall *evalRule(const ast::Expr &expr, Scope &scope);
  const RuleCall *bindRule(const ast::Rule &rule, llvm::ArrayRef<ast::Argument> arguments, Scope &scope, Location at);
  bool openRule(RuleRun &run, const HyperSource &hypers);
  void foldTensors(RuleRun &run);
  Array unfolded(const Array &next, const Array &whole, Location at);
  bool initStates(RuleRun &run, const HyperSource &hypers, std::vector<StateSlot> &slots);
  bool stepRule(RuleRun &run, const HyperSource &hypers);
  Entity callSite(RuleSite &site, const ast::Call &call, Scope &scope);
  void runRuleStatement(const ast::Stmt &stmt, RuleRun &run);
  void runRuleAssign(const ast::AssignStmt &stmt, RuleRun &run, Scope &scope);

  // Their roles (EmitState.cpp, EmitRole.cpp).
  std::optional<Shape> roleShape(const ast::Decl &decl, bool isShared, size_t lane, RuleRun &run, bool mayDeclare);
  bool isSharedState(const ast::StateStmt &stmt, const ast::Decl &decl, const RuleRun &run) const;
  Array initialState(const ast::Decl &decl, bool isShared, RuleRun &run);
  Array perTensor(const std::string &name, Location at);
  bool checkShared(const UnitBuilder &unit, const StateSlot &slot, mlir::Value value);
  std::optional<mlir::Attribute> inputDefault(const ast::Decl &decl, Kind kind, RuleRun &run);
  void nameSizes(const ast::Decl &decl, bool isShared, RuleRun &run);
  Array inputArgument(UnitBuilder &unit, const ast::Decl &decl, bool isShared, RuleRun &run);
  Array takeInput(const ast::Decl &decl, bool isShared, RuleRun &run);
  bool openInputs(RuleRun &run);
  void runEmit(const ast::EmitStmt &stmt, const RuleRun &run, Scope &scope);
  bool addReports(UnitBuilder &unit, const RuleRun &run);
  RuleRun innerRun(const RuleSite &site);
  // Reports from inside of blocks (EmitReport.cpp).
  using Reports = std::vector<Report>;
  Reports *reportsHere();
  void addReport(Report report);
  bool mayReport(const ast::Block &block, Scope &scope);
  Array unreported(const Array &like, Location at);
  void leaveBlock(IfOp &op, Reports &then, Reports &otherwise);
  void leaveBlock(EveryOp &op, Reports &body);
  void leaveBlock(LoopOp &op, Reports &body);
  void joinTensor(size_t begin, Reports &ofTensor);
  /// Where the reports of the block at hand go; null outside of blocks.
  Reports *blockReports = nullptr;
  // Calls of wrapped rules inside of blocks (EmitSite.cpp).
  std::vector<RuleSite *> sitesHere();
  StateSlot callCounter(const RuleRun &run, const RuleSite &site);
  void openSites(RuleRun &run);
  void closeSites(RuleRun &run);
  std::vector<std::string> primedByCalls(const ast::Block &block, Scope &scope);
  bool mayCallInside(const RuleSite &site, const ast::Call &call);
  bool stepInside(const RuleSite &site, RuleRun &inner, Scope &scope, Location at);
  Array nextValue(const ast::Target &target, const Entity &value, const Array &model, Location at);
  static std::pair<size_t, size_t> countTensors(const ast::Rule &rule);
  /// For each gradient the position of its param.
  static std::vector<size_t> paramsOfGrads(const ast::Rule &rule);
  bool convertHyper(const ast::Param &param, Kind kind, Array &value, Scope &scope, Location at);
  bool checkInterval(const ast::Param &param, const Array &value, Scope &scope, Location at);
  IntervalAttr intervalOf(const ast::Param &param, Scope &scope);
  mlir::Attribute defaultOf(const Array &value);
  Array hyperArgument(UnitBuilder &unit, const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope);
  Array trainHyper(UnitBuilder &unit, const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time);
  Array testHyper(const ast::Param &param, const Delayed *bound, Scope &scope, Array time, Location at);
  const HyperSource *currentHypers = nullptr;

  // Units.
  bool emitRuleInit(const ast::Rule &rule, const RuleCall &call, bool keep, std::vector<StateSlot> &slots);
  bool emitRuleStep(const ast::Rule &rule, const RuleCall &call, bool keep, llvm::ArrayRef<StateSlot> slots);
  /// The entries of a rule, in order; a single null for one without `on`.
  static std::vector<const ast::OnStmt *> entriesOf(const ast::Rule &rule);
  Entity namedEntry(const ast::Rule &rule, const RuleCall *call, const ast::Ident &name);
  void runEntry(const ast::OnStmt &stmt, RuleRun &run);
  bool checkEntries(const ast::Rule &rule);
  bool checkChosen(const RuleRun &run);
  bool addTensors(UnitBuilder &unit, RuleRun &run, bool hasGrads, std::vector<mlir::Value> &arguments);
  void finishUnit(FuncOp func, const ast::Unit &unit, llvm::StringRef pretty);
  void claimName(FuncOp func, const ast::Ident &name);
  bool returnEntity(UnitBuilder &unit, const ast::Function &function, const Entity &result);
  Array functionArgument(UnitBuilder &unit, const ast::Function &function, size_t position, Scope &shapes);

#include "lang/ElaboratorTrain.inc"

  // Tests (EmitTest.cpp, EmitRun.cpp).
  /// A claim must not hold because one side was repeated: only a number stands for all elements.
  bool checkClaim(const Array &a, const Array &b, Location at);
  void runExpect(const ast::ExpectStmt &stmt, Scope &scope);
  // Claims inside of blocks (EmitClaim.cpp).
  bool mayClaim();
  void liftClaims(FuncOp test, Location at);
  Entity tryRule(const CallSite &site, llvm::function_ref<Entity(TestRule &)> make);
  bool readTestRule(const CallSite &site, TestRule &test);
  bool takeTensors(const CallSite &site, TestRule &test);
  bool takeStates(const CallSite &site, TestRule &test);
  Array stored(const Array &x, const Storage &storage, const RuleRun &run, Location at, const std::string &name = "");
  bool stepOnce(TestRule &test, const CallSite &site, std::map<std::string, Array> &next);
  std::optional<Array> takeSteps(const CallSite &site, TestRule &test);
  Entity runSteps(TestRule &test, const Array &count, const CallSite &site);
  Entity traceSteps(TestRule &test, const Array &count, const Array &step, const CallSite &site, Location at);
  Entity stepRecord(const CallSite &site, TestRule &test);
  Entity readTrace(const Record &record, const ast::Index &expr, Scope &scope);
  Array testInput(const CallSite &site, TestRule &test, const ast::Decl &decl, bool isShared, RuleRun &run);
  std::string textOf(Location at, llvm::StringRef newline = " ") const;
  bool addPropertyInputs(const ast::InputStmt &stmt, UnitBuilder &unit, Scope &scope);

  Arena &arena;
  mlir::ModuleOp module;
  /// What the headers declare so far, and for which unit.
  llvm::StringMap<const ast::Ident *> claimed;
  unsigned indexCount = 0;
  /// In index notation inside a rule of several tensors, the tensor at hand.
  std::optional<size_t> activeLane;
  /// The conditions around the expression at hand: what stands under one may never be evaluated.
  unsigned numConditions = 0;
  /// Those of index notation, innermost last.
  struct Chosen {
    Array condition;
    bool isNegated;
  };
  std::vector<Chosen> chosen;
  /// While what is evaluated counts only where a condition holds, or does not; null: it counts everywhere.
  class OnlyWhere {
  public:
    OnlyWhere(Elaborator &elaborator, const Array *condition, bool isNegated = false) : elaborator(elaborator), isUnder(condition) {
      if (isUnder)
        elaborator.chosen.push_back({*condition, isNegated});
      elaborator.numConditions += isUnder;
    }
    ~OnlyWhere() {
      if (isUnder)
        elaborator.chosen.pop_back();
      elaborator.numConditions -= isUnder;
    }
    OnlyWhere(const OnlyWhere &) = delete;

  private:
    Elaborator &elaborator;
    bool isUnder;
  };
  /// The blocks of 'when', 'every' and 'loop' around the statement at hand, in the body of its rule or test.
  unsigned numBlocks = 0;
  /// What may be primed at the statement at hand; null in functions and tests.
  Primes *primes = nullptr;
  /// The number of tensors of the rule at work.
  size_t laneCount = 1;
};

} // namespace gradus::lang

#endif // GRADUS_LANG_ELABORATOR_H
