//===- DeviceEngine.cpp - `gradus run` on a device --------------------------------===//
//
// The variables of a training live on the device; data go there before each step, the report of a step comes back after it, and parameters and
// states when they are asked for.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/JitEntry.h"
#include "codegen/driver/BuildTargets.h"
#include "codegen/driver/DeviceMemory.h"
#include "codegen/driver/DeviceProgram.h"
#include "codegen/driver/Training.h"
#include "codegen/emit/Artifact.h"
#include "passes/gpu/Gpu.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace gradus::driver {

namespace {

/// The table of one entry.
class DeviceEntry {
public:
  DeviceEntry(const EntryLayout &layout, std::vector<std::string> guards, Jit &jit, gradus_device_type type, const gradus_device_module *module)
      : shape(layout, jit), guards(std::move(guards)), table(shape.get()) {
    for (const std::string &guard : this->guards)
      texts.push_back(guard.c_str());
    table.kernel = reinterpret_cast<gradus_kernel>(jit.lookup(getDeviceKernelName(layout)));
    table.workspace_size = reinterpret_cast<gradus_workspace_size>(jit.lookup(getDeviceWorkspaceName(layout)));
    table.device_type = type;
    table.module = module;
    table.n_guards = static_cast<int32_t>(texts.size());
    table.guards = texts.data();
  }
  bool isThere() const { return table.kernel && table.workspace_size; }
  const gradus_entry &get() const { return table; }
  const EntryLayout &getLayout() const { return shape.getLayout(); }

private:
  JitEntry shape; ///< owns what the table points to
  std::vector<std::string> guards;
  std::vector<const char *> texts;
  gradus_entry table;
};

/// The kernels of both entries as the runtime takes them.
struct DeviceModule {
  DeviceCode code;
  std::vector<gradus_device_image> images;
  std::vector<const char *> kernels;

  explicit DeviceModule(DeviceCode given) : code(std::move(given)) {
    for (DeviceImage &image : code.images) {
      bool const isText = image.kind == GRADUS_IMAGE_PTX;
      images.push_back({image.kind, image.architecture, image.bytes.data(), image.bytes.size() + isText});
    }
    for (const std::string &kernel : code.kernels)
      kernels.push_back(kernel.c_str());
  }
  DeviceModule(const DeviceModule &) = delete;
  gradus_device_module get() const {
    return {code.getContent(), static_cast<int32_t>(images.size()), static_cast<int32_t>(kernels.size()), images.data(), kernels.data()};
  }
};

class DeviceEngine : public Engine {
public:
  DeviceEngine(std::unique_ptr<DeviceMemory> memory, std::unique_ptr<DeviceModule> module, std::unique_ptr<Jit> jit)
      : memory(std::move(memory)), module(std::move(module)), jit(std::move(jit)) {}

  /// The entries, from the compiled code; false where it lacks one.
  bool addEntries(gradus_device_type type, const EntryLayout &init, const EntryLayout &step, std::vector<std::string> guards) {
    auto *table = reinterpret_cast<gradus_device_module *>(jit->lookup(deviceTableName));
    if (!table)
      return false;
    *table = module->get();
    initEntry = std::make_unique<DeviceEntry>(init, std::vector<std::string>(), *jit, type, table);
    stepEntry = std::make_unique<DeviceEntry>(step, std::move(guards), *jit, type, table);
    return initEntry->isThere() && stepEntry->isThere();
  }

  bool init(Training &training, std::string &error) override {
    if (!memory->allocate(sizeof(gradus_device_report), reportAddress))
      return fail(error);
    for (Variable &variable : training.variables) {
      gradus_address address = 0;
      if (!memory->allocate(variable.bytes.size(), address))
        return fail(error);
      addresses[variable.layout.name] = address;
    }
    gradus_report report{};
    return store(training, error) && call(training, *initEntry, 0, report, error) == GRADUS_OK;
  }

  Stepped step(Training &training, double &loss, std::string &error) override {
    if (!copy(training, error, [](const Variable &variable) { return variable.layout.role == GRADUS_DATA; }))
      return Stepped::Failed;
    gradus_report report{};
    gradus_status const status = call(training, *stepEntry, training.t + 1, report, error);
    if (status != GRADUS_OK)
      return status == GRADUS_ERROR_NONFINITE ? Stepped::Refused : Stepped::Failed;
    training.t = report.t;
    loss = report.value;
    return Stepped::Committed;
  }

  bool store(Training &training, std::string &error) override {
    return copy(training, error, [](const Variable &) { return true; });
  }
  bool fetch(Training &training, std::string &error) override {
    for (Variable &variable : training.variables)
      if (!memory->read(variable.bytes.data(), addresses[variable.layout.name], variable.bytes.size()))
        return fail(error);
    return true;
  }
  std::string describe() override { return memory->getName() + ", " + std::to_string(memory->countDispatches()) + " dispatches"; }

private:
  bool fail(std::string &error) {
    error = memory->reason;
    return false;
  }
  bool copy(Training &training, std::string &error, llvm::function_ref<bool(const Variable &)> isWanted) {
    for (Variable &variable : training.variables)
      if (isWanted(variable) && !memory->write(addresses[variable.layout.name], variable.bytes.data(), variable.bytes.size()))
        return fail(error);
    return true;
  }
  gradus_status call(Training &training, DeviceEntry &entry, uint64_t t, gradus_report &report, std::string &error);

  std::unique_ptr<DeviceMemory> memory;
  std::unique_ptr<DeviceModule> module;
  std::unique_ptr<Jit> jit;
  std::unique_ptr<DeviceEntry> initEntry, stepEntry;
  std::map<std::string, gradus_address> addresses;
  gradus_address reportAddress = 0, workspace = 0;
  size_t workspaceBytes = 0;
};

} // namespace

/// Records one call, waits for it, and gives what it came to.
gradus_status DeviceEngine::call(Training &training, DeviceEntry &entry, uint64_t t, gradus_report &report, std::string &error) {
  gradus_device *device = memory->begin();
  if (!device)
    return fail(error), GRADUS_ERROR_DEVICE;
  device->report = reportAddress;
  gradus_context context{};
  context.user = &error;
  context.error = [](void *user, const gradus_error *problem) { *static_cast<std::string *>(user) = problem->message; };
  context.device = device;
  std::vector<gradus_tensor> slot;
  for (const EntryTensor &tensor : entry.getLayout().tensors) {
    slot.push_back(training.find(tensor.name)->view());
    slot.back().data = gradus_to_pointer(addresses[tensor.name]);
    slot.back().device_type = device->type;
    slot.back().device_id = device->id;
  }
  std::vector<double> hypers;
  for (const EntryHyper &hyper : entry.getLayout().hypers)
    hypers.push_back(training.getHyper(hyper.name));
  size_t const needed = gradus_workspace(&entry.get(), slot.data(), 1);
  if (needed != SIZE_MAX && needed > workspaceBytes) { // what was smaller is freed at the end
    if (!memory->allocate(needed, workspace))
      return fail(error), GRADUS_ERROR_DEVICE;
    workspaceBytes = needed;
  }
  gradus_status const status = gradus_call(&entry.get(), &context, hypers.data(), t, training.seed, slot.data(), 1, gradus_to_pointer(workspace), workspaceBytes,
                                           &report);
  if (status != GRADUS_OK)
    return status;
  gradus_device_report written{};
  if (!memory->finish() || !memory->read(&written, reportAddress, sizeof(written)))
    return fail(error), GRADUS_ERROR_DEVICE;
  return gradus_device_result(&entry.get(), &context, &written, &report);
}

/// Gives the constant that the artifact would have a place in this process.
static void defineTable(ModuleOp host) {
  auto declared = host.lookupSymbol<LLVM::GlobalOp>(deviceTableName);
  if (!declared)
    return;
  OpBuilder builder(declared);
  auto type = LLVM::LLVMArrayType::get(builder.getI64Type(), sizeof(gradus_device_module) / sizeof(uint64_t));
  auto zeros = builder.getI64TensorAttr(SmallVector<int64_t>(type.getNumElements(), 0));
  LLVM::GlobalOp::create(builder, declared.getLoc(), type, /*isConstant=*/false, LLVM::Linkage::External, deviceTableName, zeros);
  declared.erase();
}

std::unique_ptr<Engine> createDeviceEngine(Session &session, StringRef unit, StringRef device, std::string &error) {
  std::unique_ptr<DeviceMemory> memory = openDevice(device, error);
  if (!memory)
    return nullptr;
  ModuleOp module = session.getModule();
  keepUnit(module, unit);
  FuncOp stepFunc = module.lookupSymbol<FuncOp>((unit + ".step").str());
  EntryLayout const init = computeEntryLayout(module.lookupSymbol<FuncOp>((unit + ".init").str())), step = computeEntryLayout(stepFunc);
  std::vector<std::string> guards = findGuards(stepFunc);
  bool const isCuda = device == "cuda";
  DeviceForms forms;
  forms.spirv = !isCuda;
  if (isCuda)
    forms.ptx = {BuildTargets::findArchitecture(memory->getArchitecture())};
  std::optional<DeviceProgram> program;
  if (session.runPhases(Phase::Fuse))
    program = compileForDevices(session, module, {}, forms, error);
  if (!program) {
    error = error.empty() ? "the unit cannot be compiled for the device" : error;
    return nullptr;
  }
  defineTable(*program->host);
  std::unique_ptr<Jit> jit = Jit::create(*program->host, CpuTarget{"native"}, error);
  if (!jit)
    return nullptr;
  auto engine = std::make_unique<DeviceEngine>(std::move(memory), std::make_unique<DeviceModule>(std::move(program->code)), std::move(jit));
  if (engine->addEntries(isCuda ? GRADUS_CUDA : GRADUS_VULKAN, init, step, std::move(guards)))
    return engine;
  error = "internal: the compiled unit lacks an entry";
  return nullptr;
}

} // namespace gradus::driver
