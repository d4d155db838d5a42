using Hieno.Tensors.Cpu;
using Hieno.Testing;
using static Hieno.Tensors.Tests.OpChecks;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class CpuBackendTests
{
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
