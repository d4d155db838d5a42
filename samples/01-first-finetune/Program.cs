using Hieno;
using Hieno.Recipes;
using Hieno.Training;
using Hieno.Tuning;

Recipe recipe = Recipe.Load("samples/quickstart/recipe.yaml") with { Tuning = new LoRAOptions { Rank = 16 }, Output = "runs/first" };
await foreach (TrainingEvent happening in FineTuner.Create(recipe).RunAsync())
{
    Console.WriteLine(happening); // StepCompleted { Step = 40, Loss = 0.53, … } until RunCompleted { After = … }
}
