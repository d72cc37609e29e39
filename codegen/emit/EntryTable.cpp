//===- EntryTable.cpp - The constant data and the exported functions --------------===//
//
// For each entry a constant `gradus_entry` with what it points to, and four small functions that hand it to the runtime. The
// types below are the structs of runtime/gradus.h for targets with 64-bit pointers, and asserted to be.
//
//===----------------------------------------------------------------------===//

#include "codegen/emit/Writers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

#include <cmath>
#include <cstddef>
#include <limits>

using namespace llvm;

namespace gradus {

static_assert(sizeof(gradus_argument) == 24 + 4 * GRADUS_MAX_RANK);
static_assert(sizeof(gradus_hyper) == 48);
static_assert(sizeof(gradus_entry) == 112 && offsetof(gradus_entry, name) == 24 && offsetof(gradus_entry, content) == 80 && offsetof(gradus_entry, module) == 96);

namespace {

/// Builds the constants of one entry.
class TableBuilder {
public:
  TableBuilder(Module &module, const Artifact &artifact)
      : module(module), artifact(artifact), context(module.getContext()), pointer(PointerType::get(context, 0)),
        i32(Type::getInt32Ty(context)), i64(Type::getInt64Ty(context)), f64(Type::getDoubleTy(context)) {}

  /// The table of the entry on the CPU or on a device. Null, with `error`, where a kernel is missing.
  GlobalVariable *build(const ArtifactEntry &entry, gradus_device_type type, std::string &error);
  void addFunctions(const ArtifactEntry &entry, gradus_device_type type, GlobalVariable *table);

private:
  Constant *number(int64_t value) { return ConstantInt::get(i32, value, /*IsSigned=*/true); }
  Constant *real(double value) { return ConstantFP::get(f64, value); }
  Constant *text(StringRef value);
  /// A private array, or a null pointer for none.
  Constant *array(Type *element, ArrayRef<Constant *> values, const Twine &name);
  Constant *makeArguments(const ArtifactEntry &entry);
  Constant *makeHypers(const ArtifactEntry &entry);
  Constant *makeDefaults(const ArtifactEntry &entry);
  Constant *makeTexts(ArrayRef<std::string> texts, const Twine &name);
  Constant *makeModule(gradus_device_type type);
  /// Declares one of the runtime's functions.
  FunctionCallee runtime(StringRef name, Type *result, ArrayRef<Type *> arguments) {
    return module.getOrInsertFunction(name, FunctionType::get(result, arguments, /*isVarArg=*/false));
  }
  /// An exported function whose body is one call of the runtime with the table and its own arguments.
  void addForwarder(StringRef name, StringRef callee, Type *result, ArrayRef<Type *> arguments, GlobalVariable *table);

  Module &module;
  const Artifact &artifact;
  LLVMContext &context;
  Type *pointer, *i32, *i64, *f64;
};

} // namespace

static double getDefault(const EntryHyper &hyper) {
  return toNumber(hyper.initial).value_or(std::numeric_limits<double>::quiet_NaN());
}

Constant *TableBuilder::text(StringRef value) {
  Constant *bytes = ConstantDataArray::getString(context, value);
  auto *global = new GlobalVariable(module, bytes->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, bytes, "gradus.text");
  global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  global->setAlignment(Align(1));
  return global;
}

Constant *TableBuilder::array(Type *element, ArrayRef<Constant *> values, const Twine &name) {
  if (values.empty())
    return ConstantPointerNull::get(cast<PointerType>(pointer));
  auto *type = llvm::ArrayType::get(element, values.size());
  return new GlobalVariable(module, type, /*isConstant=*/true, GlobalValue::PrivateLinkage, ConstantArray::get(type, values), name);
}

Constant *TableBuilder::makeArguments(const ArtifactEntry &entry) {
  auto *dimsType = llvm::ArrayType::get(i32, GRADUS_MAX_RANK);
  auto *type = StructType::get(context, ArrayRef<Type *>{pointer, i32, i32, i32, i32, dimsType});
  SmallVector<Constant *> values;
  for (const EntryTensor &tensor : entry.layout.tensors) {
    SmallVector<Constant *> dims(GRADUS_MAX_RANK, number(0));
    for (auto [axis, dim] : llvm::enumerate(tensor.dims)) {
      if (auto symbol = dyn_cast<mlir::StringAttr>(dim))
        dims[axis] = number(entry.layout.findSymbol(symbol));
      else
        dims[axis] = number(-1 - cast<mlir::IntegerAttr>(dim).getInt());
    }
    values.push_back(ConstantStruct::get(type, {text(tensor.name), number(tensor.role), number(tensor.dtype), number(tensor.rank),
                                                number(tensor.getFlags()), ConstantArray::get(dimsType, dims)}));
  }
  return array(type, values, "gradus.arguments");
}

Constant *TableBuilder::makeHypers(const ArtifactEntry &entry) {
  auto *type = StructType::get(context, ArrayRef<Type *>{pointer, f64, f64, f64, i32, i32, i32, i32});
  SmallVector<Constant *> values;
  for (const EntryHyper &hyper : entry.layout.hypers) {
    HyperInterval interval = getInterval(hyper);
    values.push_back(ConstantStruct::get(type, {text(hyper.name), real(getDefault(hyper)), real(interval.low), real(interval.high),
                                                number(interval.lowClosed), number(interval.highClosed),
                                                number(hyper.isInteger || hyper.isBool), number(0)}));
  }
  return array(type, values, "gradus.hypers");
}

Constant *TableBuilder::makeDefaults(const ArtifactEntry &entry) {
  SmallVector<Constant *> values;
  for (const EntryHyper &hyper : entry.layout.hypers)
    values.push_back(real(getDefault(hyper)));
  return array(f64, values, "gradus.defaults");
}

Constant *TableBuilder::makeTexts(ArrayRef<std::string> texts, const Twine &name) {
  return array(pointer, map_to_vector(texts, [&](const std::string &value) { return text(value); }), name);
}

/// The kernels of all entries of devices.
Constant *TableBuilder::makeModule(gradus_device_type type) {
  if (type == GRADUS_CPU)
    return ConstantPointerNull::get(cast<PointerType>(pointer));
  return module.getGlobalVariable(deviceTableName, /*AllowInternal=*/true);
}

GlobalVariable *TableBuilder::build(const ArtifactEntry &entry, gradus_device_type type, std::string &error) {
  const EntryLayout &layout = entry.layout;
  std::string const kernelName = entry.getKernelName(type), workspaceName = entry.getWorkspaceName(type);
  Function *kernel = module.getFunction(kernelName);
  Function *workspace = module.getFunction(workspaceName);
  for (const auto &[function, name] : {std::pair(kernel, kernelName), std::pair(workspace, workspaceName)}) {
    if (!function || function->isDeclaration()) {
      error = "the lowered module does not define '" + name + "'";
      return nullptr;
    }
  }
  std::vector<std::string> symbols;
  for (mlir::StringAttr symbol : layout.symbols)
    symbols.push_back(symbol.str());
  size_t const guards = type == GRADUS_CPU ? 0 : entry.guards.size();
  Constant *fields[] = {number(GRADUS_ABI_VERSION),
                        number(layout.tensors.size()),
                        number(layout.hypers.size()),
                        number(layout.symbols.size()),
                        number(layout.takesTime),
                        number(layout.isOpen),
                        text(entry.getSymbol(type)),
                        makeArguments(entry),
                        makeHypers(entry),
                        makeDefaults(entry),
                        makeTexts(symbols, "gradus.symbols"),
                        kernel,
                        workspace,
                        ConstantInt::get(i64, artifact.content),
                        number(type),
                        number(guards),
                        makeModule(type),
                        makeTexts(ArrayRef(entry.guards).take_front(guards), "gradus.guards")};
  Constant *value = ConstantStruct::getAnon(context, fields);
  return new GlobalVariable(module, value->getType(), /*isConstant=*/true, GlobalValue::PrivateLinkage, value, "gradus.entry");
}

void TableBuilder::addForwarder(StringRef name, StringRef callee, Type *result, ArrayRef<Type *> arguments, GlobalVariable *table) {
  auto *function = Function::Create(FunctionType::get(result, arguments, /*isVarArg=*/false), GlobalValue::ExternalLinkage, name, module);
  function->addFnAttr(Attribute::NoUnwind);
  IRBuilder<> builder(BasicBlock::Create(context, "", function));
  SmallVector<Type *> types(1, pointer);
  SmallVector<Value *> values(1, table);
  for (Argument &argument : function->args()) {
    types.push_back(argument.getType());
    values.push_back(&argument);
  }
  CallInst *call = builder.CreateCall(runtime(callee, result, types), values);
  call->setTailCallKind(CallInst::TCK_Tail);
  if (result->isVoidTy())
    builder.CreateRetVoid();
  else
    builder.CreateRet(call);
}

void TableBuilder::addFunctions(const ArtifactEntry &entry, gradus_device_type type, GlobalVariable *table) {
  std::string const symbol = entry.getSymbol(type);
  addForwarder(symbol, "gradus_call", i32, {pointer, pointer, i64, i64, pointer, i64, pointer, i64, pointer}, table);
  addForwarder(symbol + "_workspace", "gradus_workspace", i64, {pointer, i64}, table);
  if (!entry.layout.hypers.empty() && type == GRADUS_CPU)
    addForwarder(symbol + "_defaults", "gradus_hyper_defaults", Type::getVoidTy(context), {pointer}, table);
  auto *getter = Function::Create(FunctionType::get(pointer, /*isVarArg=*/false), GlobalValue::ExternalLinkage, symbol + "_entry", module);
  getter->addFnAttr(Attribute::NoUnwind);
  IRBuilder<> builder(BasicBlock::Create(context, "", getter));
  builder.CreateRet(table);
}

bool addEntryTable(Module &module, const Artifact &artifact, std::string &error) {
  StringSet<> exported;
  for (const std::string &name : artifact.getExports())
    exported.insert(name);
  // A definition that happens to be called as an export gives way; internal names are nobody's business.
  for (GlobalValue &global : module.global_values()) {
    if (global.isDeclaration())
      continue;
    global.setLinkage(GlobalValue::InternalLinkage);
    global.setVisibility(GlobalValue::DefaultVisibility);
    if (exported.contains(global.getName()))
      global.setName(global.getName() + ".internal");
  }
  if (any_of(artifact.entries, [](const ArtifactEntry &entry) { return !entry.devices.empty(); }) && !addDeviceTable(module, artifact.device, error))
    return false;
  TableBuilder builder(module, artifact);
  for (const ArtifactEntry &entry : artifact.entries) {
    SmallVector<gradus_device_type> types{GRADUS_CPU};
    append_range(types, entry.devices);
    for (gradus_device_type type : types) {
      GlobalVariable *table = builder.build(entry, type, error);
      if (!table)
        return false;
      builder.addFunctions(entry, type, table);
    }
  }
  return true;
}

} // namespace gradus
