//===- RuleRun.h - What elaboration hands around ------------------*- C++ -*-===//
//
// Calls of words and of rules, the states and reports of rules, and what is known about the tensors at hand.
//
//===----------------------------------------------------------------------===//

#ifndef GRADUS_LANG_RULERUN_H
#define GRADUS_LANG_RULERUN_H

#include "lang/Algebra.h"
#include "lang/Scope.h"
#include "lang/UnitBuilder.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/SaveAndRestore.h"

#include <functional>
#include <set>

namespace gradus::lang {

class Elaborator;

/// A call of a built-in word.
struct CallSite {
  const Builtin *builtin;
  const ast::Call *call;
  /// The slot, as in `sum[j]`.
  llvm::ArrayRef<ast::Subscript> slots;
  Scope *scope;
  Location at;
  /// As many results as the assignment has names.
  size_t wanted = 1;
};

/// A word of the language with the method that emits its calls.
struct Builtin {
  llvm::StringLiteral name;
  Entity (Elaborator::*emit)(const CallSite &site);
  /// A word that may stand in its slot, as `reverse`.
  llvm::StringLiteral flag = "";
  bool hasSeveralResults = false;
};
/// The table of built-in words.
struct BuiltinTable;
llvm::ArrayRef<Builtin> getBuiltins();
const Builtin *findBuiltin(llvm::StringRef name);
/// Whether a `draw` takes numbers of that name.
bool isDistribution(llvm::StringRef name);

/// An argument of a call, evaluated.
struct Actual {
  std::optional<ast::Ident> name;
  Entity entity;
  Location loc;
};

/// How the application keeps a tensor: `bf16 stochastic`. A null element is chosen by --dtype, or is that of the arithmetic.
struct Storage {
  mlir::Type element = {};
  bool isStochastic = false;
};

/// One state of a rule or of a rule that it wraps.
struct StateSlot {
  std::string path;
  const ast::Decl *decl;
  Array initial;
  /// The types in which it is kept, which outlive the initial value.
  std::vector<ArrayType> types;
  /// One for the collection.
  bool isShared = false;
  Storage storage;
};

struct RuleRun;
/// Where an input of a rule comes from: an argument of the unit, or of `step` in a test.
using InputSource = std::function<Array(const ast::Decl &decl, bool isShared, RuleRun &run)>;

/// An input that some rule of a composition has named.
struct GivenInput {
  const ast::Decl *decl = nullptr;
  bool isShared = false;
  Array value;
};

/// What `emit` adds to the results of a step.
struct Report {
  std::string path;
  Array value;
  Location loc;
};

/// Binds an objective of a rule to a function: `f = q`, `f = spread(x = [0.0, 2.0])`, or the loss of a train unit. Poison after an error.
using ObjectiveSource = std::function<Entity(const ast::Oracle &oracle, const Delayed *bound, RuleRun &run)>;

/// A rule at work on given tensors.
struct RuleRun {
  const RuleCall *call = nullptr;
  /// The statements at work: those of the rule, or of a loss or schedule with state.
  const ast::Block *block = nullptr;
  /// Of the wrapping sites: "" or "base.".
  std::string path;
  /// Before the path in the names of hyper-parameters: the group of a train unit.
  std::string hyperPrefix;
  /// In a train unit the name and the place of each tensor: its inputs and reports are called by it. And before the names of what is
  /// one for all of them.
  struct Lane {
    std::string prefix;
    size_t group = 0;
  };
  std::vector<Lane> lanes;
  std::string sharedPrefix;
  Scope *scope = nullptr;
  std::vector<Array> params, grads;
  /// The params before `q..` folded their axes.
  std::vector<Array> whole;
  /// The objectives that it may ask, and where they come from: `base(w, f = h)`, the call of the rule, the rule around it, the source.
  std::vector<std::pair<std::string, Entity>> objectives, offered;
  std::map<std::string, Entity> replaced;
  const ObjectiveSource *source = nullptr;
  /// Shared by all rules of a composition.
  const InputSource *inputs = nullptr;
  std::map<std::string, GivenInput> *given = nullptr;
  std::vector<Report> *reports = nullptr;
  /// Present values of all states by path, nested ones included.
  const std::map<std::string, Array> *states = nullptr;
  /// Next values.
  std::vector<Array> nextParams;
  std::map<std::string, Array> *nextStates = nullptr;
  /// Of a loss: those of the evaluation at the step's own point, where that has been made.
  const std::map<std::string, Array> *committed = nullptr;
  /// Where the first values go, while the states are made.
  std::vector<StateSlot> *slots = nullptr;
  Array time;
  /// The name of the outermost rule, and the numbers of the tensors in the collection (0, 1, .. if empty): for draws.
  std::string root;
  std::vector<size_t> tensors;
  /// Elaborated for its errors only: what is not given is poison.
  bool isCheck = false;
};

/// Who keeps the states of a loss or schedule that is called: a rule or a train unit, under a path of its own.
struct StateKeeper {
  RuleRun *run = nullptr;
  std::string path;
};

/// Whether the body of a rule, loss or schedule declares a param or state of this name.
bool isParamOrState(const ast::Block &block, llvm::StringRef name);

/// Whether a rule is over a `joint param w: [d]`: the collection is one vector, so that what it keeps is the tensor's.
bool isOverOneVector(const ast::Rule &rule);

/// The word `like arg x of f` of a type, or null.
const ast::Storage *likeArgument(const std::optional<ast::Type> &type);

/// What a statement may give next values to: the params and states of a rule, or what the loop around carries.
struct Primes {
  RuleRun *run = nullptr;
  llvm::ArrayRef<ast::LoopInit> inits;
  /// Carried values whose type is too narrow for what a pass gives them: what would do.
  struct Wider {
    Kind kind;
    llvm::SmallVector<IndexVar *, 2> axes;
    size_t numLanes;
    bool isEach, isJoint;
  };
  std::map<std::string, Wider> wider;
  /// Next values of which parts have been written, but not the whole.
  std::set<std::string> partlyWritten = {};
  /// All tensors are elaborated together, but a condition differs from one to the other.
  bool differs = false;
  /// The condition of the loop depends on these indices: it ends for each of their values apart.
  llvm::SmallVector<IndexVar *, 2> rows = {};
  /// The rule whose wrapped rules may be called here.
  RuleRun *around = nullptr;
  /// The next values are known and stand in the scope: what the text assigns is left out.
  bool isCommitted = false;
};

/// Where the hyper-parameters of a rule, loss or schedule get their values.
using HyperSource = std::function<Array(const ast::Param &param, const std::string &path, const Delayed *bound, Scope &scope, Array time)>;

/// A rule with the tensors that a test gives it.
struct TestRule {
  RuleRun run;
  std::vector<StateSlot> slots;
  std::map<std::string, Array> states;
  std::map<std::string, Actual> given;
  HyperSource hypers;
  InputSource source;
  ObjectiveSource objectives;
  std::map<std::string, GivenInput> inputs;
  std::vector<Report> reports;
  /// The arguments of the entry that is called.
  std::map<std::string, Actual> entryArguments;
  /// What may be given, for suggestions.
  std::vector<std::string> names{"t"};
};

/// Gives a record the member `path`, with records for the rules on its way.
void setMember(Arena &arena, Record &record, llvm::StringRef path, Entity entity);

} // namespace gradus::lang

#endif // GRADUS_LANG_RULERUN_H
