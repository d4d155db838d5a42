using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class CpuBackendTests
{
    // The gate runs these tests again with instruction sets switched off, by variables that were renamed once: .NET 10 ignores the
    // EnableAVX512F of earlier versions. This test fails when a switch has no effect.
    [Theory]
    [InlineData("DOTNET_EnableAVX512", SimdWidth.Bits256)]
    [InlineData("DOTNET_EnableAVX2", SimdWidth.Bits128)]
    [InlineData("DOTNET_EnableHWIntrinsic", SimdWidth.Scalar)]
    public void An_instruction_set_that_is_switched_off_is_not_used(string variable, SimdWidth widestWithout)
    {
        if (Environment.GetEnvironmentVariable(variable) == "0")
        {
            Assert.True(CpuBackend.Widest <= widestWithout, $"{variable}=0, but kernels use {CpuBackend.Widest}.");
        }
    }

    [Fact]
    public void Temporary_tensors_are_not_collected_while_a_kernel_reads_them()
    {
        // The optimised version of a method, which forgets its arguments early, comes after some thirty calls and a while.
        Tensor small = Normal([2, 2], 1);
        for (int i = 0; i < 100; i++)
        {
            CpuBackend.Shared.MatMul(Copy(small), false, Copy(small), false, null, Copy(small), add: false);
        }

        Thread.Sleep(300);
        Tensor x = Normal([500, 500], 1);
        Tensor expected = Tensor.CreateLongLived([500, 500]);
        CpuBackend.Shared.MatMul(x, false, x, false, null, expected, add: false);
        Tensor product = Tensor.CreateLongLived([500, 500]);
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                for (int i = 0; i < 4; i++)
                {
                    Tensor.CreateLongLived([500, 500]); // overwrites with zeros what was freed
                }
            }
        });
        collector.Start();
        try
        {
            for (int i = 0; i < 50; i++)
            {
                CpuBackend.Shared.MatMul(Copy(x), false, Copy(x), false, null, product, add: false);
                TensorAssert.Identical(expected, product);
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }

        static Tensor Copy(Tensor x)
        {
            Tensor copy = Tensor.CreateLongLived(x.Shape);
            copy.Backend.Copy(x, copy);
            return copy;
        }
    }
}
