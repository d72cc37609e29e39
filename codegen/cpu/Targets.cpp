//===- Targets.cpp - One artifact for several instruction sets ------------------===//

#include "codegen/cpu/Targets.h"

#include "runtime/gradus.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/Local.h"

#include <cstddef>

using namespace llvm;

namespace gradus {

/// The levels of x86-64 that the code is written for: below 3 there is no fused multiply-add.
static int levelOf(StringRef name) { return name == "x86-64-v3" ? 3 : name == "x86-64-v4" ? 4 : 0; }

std::optional<CpuTargets> CpuTargets::parse(StringRef list, std::string &error) {
  CpuTargets result;
  SmallVector<StringRef> words;
  list.split(words, ',');
  for (StringRef word : words) {
    if (word != "native" && levelOf(word) == 0) {
      error = "expects x86-64-v3, x86-64-v4, both with a ',' between them, or native, but got '" + list.str() + "'";
      return std::nullopt;
    }
    if (words.size() > 1 && word == "native") {
      error = "expects native to stand alone, for its code runs on this machine only, but got '" + list.str() + "'";
      return std::nullopt;
    }
    if (none_of(result.targets, [&](const CpuTarget &target) { return target.name == word; }))
      result.targets.push_back({word.str()});
  }
  llvm::sort(result.targets, [](const CpuTarget &a, const CpuTarget &b) { return levelOf(a.name) < levelOf(b.name); });
  return result;
}

std::vector<std::string> CpuTargets::getNames() const {
  std::vector<std::string> names;
  for (const CpuTarget &target : targets)
    names.push_back(target.name);
  return names;
}

std::string CpuTargets::describe() const { return join(getNames(), ","); }

/// The functions of the module that run when one of these does, themselves among them.
static SetVector<Function *> findReached(ArrayRef<Function *> roots) {
  SetVector<Function *> reached(roots.begin(), roots.end());
  for (size_t next = 0; next < reached.size(); ++next) {
    SmallVector<const Value *> work;
    for (Instruction &instruction : instructions(*reached[next]))
      append_range(work, instruction.operand_values());
    while (!work.empty()) {
      const Value *value = work.pop_back_val();
      if (auto *function = dyn_cast<Function>(value)) {
        if (!function->isDeclaration())
          reached.insert(const_cast<Function *>(function));
      } else if (isa<ConstantExpr>(value) || isa<ConstantAggregate>(value)) {
        append_range(work, cast<Constant>(value)->operand_values());
      }
    }
  }
  return reached;
}

static void setTarget(Function &function, StringRef cpu) {
  function.addFnAttr("target-cpu", cpu);
  function.removeFnAttr("target-features");
}

/// Copies functions that call one another, for another instruction set.
static void copyFor(StringRef cpu, ArrayRef<Function *> functions, ValueToValueMapTy &copies) {
  for (Function *function : functions) {
    auto *copy = Function::Create(function->getFunctionType(), GlobalValue::InternalLinkage, function->getName() + "." + cpu, *function->getParent());
    copies[function] = copy;
    for (auto [from, to] : zip_equal(function->args(), copy->args()))
      copies[&from] = &to;
  }
  for (Function *function : functions) {
    auto *copy = cast<Function>(copies[function]);
    SmallVector<ReturnInst *> returns;
    CloneFunctionInto(copy, function, copies, CloneFunctionChangeType::LocalChangesOnly, returns);
    setTarget(*copy, cpu);
  }
}

/// The best of a kernel's copies, the least one first, that the machine can run.
static void emitChoice(Function &choice, ArrayRef<Function *> copies, const CpuTargets &targets) {
  LLVMContext &context = choice.getContext();
  Type *i32 = Type::getInt32Ty(context);
  IRBuilder<> builder(BasicBlock::Create(context, "", &choice));
  Value *level = builder.CreateCall(choice.getParent()->getOrInsertFunction("gradus_cpu_level", i32));
  SmallVector<Value *> arguments = to_vector_of<Value *>(make_pointer_range(choice.args()));
  for (auto [copy, target] : reverse(to_vector(zip_equal(copies, targets.targets)))) {
    BasicBlock *run = BasicBlock::Create(context, "", &choice), *other = BasicBlock::Create(context, "", &choice);
    builder.CreateCondBr(builder.CreateICmpSGE(level, builder.getInt32(levelOf(target.name))), run, other);
    builder.SetInsertPoint(run);
    CallInst *call = builder.CreateCall(copy, arguments);
    call->setTailCallKind(CallInst::TCK_Tail);
    builder.CreateRet(call);
    builder.SetInsertPoint(other);
  }
  // gradus_call says it in words.
  Value *report = choice.getArg(choice.arg_size() - 1);
  builder.CreateStore(builder.getInt32(levelOf(targets.targets.front().name)),
                      builder.CreateConstInBoundsGEP1_64(builder.getInt8Ty(), report, offsetof(gradus_report, reserved)));
  builder.CreateRet(builder.getInt32(GRADUS_ERROR_DEVICE));
}

void leaveToCopies(Module &module) {
  if (GlobalVariable *isWide = module.getGlobalVariable(wideRegistersName, /*AllowInternal=*/true))
    isWide->setConstant(false);
}

/// Decides in each copy for its own machine what `leaveToCopies` has left open, and removes what no copy runs then.
static void decideInCopies(Module &module) {
  GlobalVariable *isWide = module.getGlobalVariable(wideRegistersName, /*AllowInternal=*/true);
  if (!isWide)
    return;
  SetVector<Function *> changed;
  for (User *user : make_early_inc_range(isWide->users())) {
    auto *load = cast<LoadInst>(user);
    Function *function = load->getFunction();
    changed.insert(function);
    load->replaceAllUsesWith(ConstantInt::get(load->getType(), levelOf(function->getFnAttribute("target-cpu").getValueAsString()) >= 4));
    load->eraseFromParent();
  }
  isWide->eraseFromParent();
  for (Function *function : changed) {
    for (BasicBlock &block : *function) {
      SimplifyInstructionsInBlock(&block);
      ConstantFoldTerminator(&block, /*DeleteDeadConditions=*/true);
    }
    removeUnreachableBlocks(*function);
  }
  for (bool isDone = false; !isDone;) {
    isDone = true;
    for (Function &function : make_early_inc_range(module))
      if (function.hasLocalLinkage() && function.use_empty()) {
        function.eraseFromParent();
        isDone = false;
      }
  }
}

void addDispatch(Module &module, ArrayRef<std::string> kernels, const CpuTargets &targets) {
  SmallVector<Function *> least = map_to_vector(kernels, [&](const std::string &name) { return module.getFunction(name); });
  SmallVector<Function *> reached = findReached(least).takeVector();
  for (Function &function : module)
    if (!function.isDeclaration() && !is_contained(reached, &function))
      setTarget(function, "x86-64");
  std::vector<SmallVector<Function *>> copies(least.size());
  for (auto [index, kernel] : enumerate(least))
    copies[index].push_back(kernel);
  for (const CpuTarget &target : drop_begin(targets.targets)) {
    ValueToValueMapTy map;
    copyFor(target.name, reached, map);
    for (auto [index, kernel] : enumerate(least))
      copies[index].push_back(cast<Function>(map[kernel]));
  }
  for (auto [kernel, own] : zip_equal(least, copies)) {
    auto *choice = Function::Create(kernel->getFunctionType(), GlobalValue::InternalLinkage, "", module);
    choice->addFnAttr(Attribute::NoUnwind);
    setTarget(*choice, "x86-64");
    kernel->replaceAllUsesWith(choice);
    std::string name = kernel->getName().str();
    kernel->setName(name + "." + targets.targets.front().name);
    choice->setName(name);
    emitChoice(*choice, own, targets);
  }
  decideInCopies(module);
}

} // namespace gradus
