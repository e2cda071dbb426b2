using LowRank.Runtime;
using TorchSharp;

namespace LowRank.Tests.Runtime;

public sealed class ComputeDeviceTests
{
    [Fact]
    public void The_processor_is_always_there()
    {
        Assert.Equal(DeviceType.CPU, ComputeDevice.Present[0].type);
        Assert.Equal(1 + ComputeDevice.CudaCount, ComputeDevice.Present.Count);
        Assert.Equal(DeviceType.CPU, ComputeDevice.Find("cpu").type);
    }

    // The test programs set the variable to cpu.
    [Theory, InlineData(null), InlineData("auto")]
    public void Left_open_it_is_what_the_variable_says(string? name) => Assert.Equal(DeviceType.CPU, ComputeDevice.Find(name).type);

    [Theory, InlineData("gpu"), InlineData("cuda:"), InlineData("cuda:-1"), InlineData("cuda:x"), InlineData("CPU"), InlineData("")]
    public void Other_names_are_refused_with_those_that_are_known(string name) => Assert.Equal(
        $"The device \"{name}\" is not known. It is auto, cpu, cuda (the first GPU) or cuda:N.", Assert.Throws<LowRankException>(() => ComputeDevice.Find(name)).Message);

    [Fact]
    public void A_device_that_is_not_there_is_refused_with_what_to_do()
    {
        var error = Assert.Throws<LowRankException>(() => ComputeDevice.Find("cuda:99"));
        Assert.StartsWith("There is no device cuda:99: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(ComputeDevice.CudaCount > 0 ? "libtorch sees" : "cpu works", error.Message, StringComparison.Ordinal);
    }
}
