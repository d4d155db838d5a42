using Hieno.Tensors.Cpu;

namespace Hieno.Tensors.Tests.Cpu;

public sealed class WorkerTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void Every_task_runs_exactly_once(int threads)
    {
        using var team = new WorkerTeam(threads);
        foreach (int tasks in (int[])[0, 1, 2, 7, 1000])
        {
            int[] counts = new int[tasks];
            team.Run(tasks, new CountJob(counts));
            Assert.All(counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void A_hundred_thousand_tiny_runs_lose_no_task_and_mix_no_two_runs()
    {
        using var team = new WorkerTeam(8);
        long[] sums = new long[5];
        int[] stamps = new int[5];
        for (int run = 1; run <= 100_000; run++)
        {
            team.Run(2 + (run % 4), new StampJob(stamps, sums, run));
            for (int task = 0; task < 2 + (run % 4); task++)
            {
                Assert.True(stamps[task] == run, $"run {run}, task {task}: stamp {stamps[task]}");
            }
        }

        Assert.Equal(Enumerable.Range(1, 100_000).Sum(run => (long)run * (2 + (run % 4))), sums.Sum());
    }

    [Fact]
    public void An_exception_reaches_the_caller_after_all_tasks_and_the_team_goes_on()
    {
        using var team = new WorkerTeam(4);
        int[] counts = new int[64];
        var error = Assert.Throws<InvalidOperationException>(() => team.Run(64, new FailJob(counts, failing: 17)));
        Assert.Equal("task 17", error.Message);
        Assert.All(counts, count => Assert.Equal(1, count));
        team.Run(64, new CountJob(counts));
        Assert.All(counts, count => Assert.Equal(2, count));
    }

    [Fact]
    public void A_run_inside_a_task_is_done_by_that_task()
    {
        using var team = new WorkerTeam(4);
        int[] counts = new int[10 * 20];
        team.Run(10, new NestedJob(team, counts));
        Assert.All(counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Several_threads_may_use_one_team()
    {
        using var team = new WorkerTeam(4);
        int[][] counts = [.. Enumerable.Range(0, 4).Select(_ => new int[500])];
        Thread[] threads = [.. counts.Select(mine => new Thread(() =>
        {
            for (int run = 0; run < 50; run++)
            {
                team.Run(mine.Length, new CountJob(mine));
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(counts, mine => Assert.All(mine, count => Assert.Equal(50, count)));
    }

    [Fact]
    public void A_team_needs_a_thread() => Assert.Throws<ArgumentOutOfRangeException>(() => new WorkerTeam(0));

    private readonly struct CountJob(int[] counts) : IJob
    {
        public void Run(int task, int worker) => Interlocked.Increment(ref counts[task]);
    }

    private readonly struct StampJob(int[] stamps, long[] sums, int run) : IJob
    {
        public void Run(int task, int worker)
        {
            stamps[task] = run;
            sums[task] += run; // only one thread at a time has this task
        }
    }

    private readonly struct FailJob(int[] counts, int failing) : IJob
    {
        public void Run(int task, int worker)
        {
            Interlocked.Increment(ref counts[task]);
            if (task == failing)
            {
                throw new InvalidOperationException($"task {task}");
            }
        }
    }

    private readonly struct NestedJob(WorkerTeam team, int[] counts) : IJob
    {
        public void Run(int task, int worker) => team.Run(20, new OffsetJob(counts, task * 20));
    }

    private readonly struct OffsetJob(int[] counts, int start) : IJob
    {
        public void Run(int task, int worker) => Interlocked.Increment(ref counts[start + task]);
    }
}
